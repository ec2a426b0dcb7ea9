# Two images: `app` (api and worker) and `chain` (a development chain for trying things out).
FROM node:22-bookworm-slim AS chain
WORKDIR /chain
COPY contracts_abi/package.json ./
RUN npm install --no-package-lock --no-audit --no-fund && install -d -o node state
USER node
ENV PATH=/chain/node_modules/@foundry-rs/anvil-linux-amd64/bin:$PATH

FROM python:3.13-slim-bookworm AS app
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/emotionet
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY registry registry
COPY pipeline pipeline
COPY contracts_abi contracts_abi
COPY migrations migrations
RUN pip install --no-cache-dir -c constraints.txt '.[train,serve,postgres,kubo,s3]' && useradd --uid 1000 --create-home emotionet \
 && install -d -o emotionet -m 700 /var/lib/emotionet
USER emotionet
ENV EMOTIONET_HOME=/var/lib/emotionet
CMD ["emotionet", "serve", "--host", "0.0.0.0"]
