FROM python:3.13-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/emotionet
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY registry registry
COPY pipeline pipeline
COPY contracts_abi contracts_abi
COPY migrations migrations
RUN pip install --no-cache-dir -c constraints.txt . && useradd --create-home emotionet \
 && install -d -o emotionet /var/lib/emotionet
USER emotionet
ENV EMOTIONET_HOME=/var/lib/emotionet
CMD ["emotionet", "serve", "--host", "0.0.0.0"]
