#!/bin/sh
# The public suite for trustless gateways against `emotionet serve`: how many of its checks pass, which fail.
# Usage: bench/gateway_conformance.sh PROGRAM   (how to get the program: bench/gateway_conformance.md)
# EMOTIONET names another emotionet than the one on PATH, PORT another port than 8642, SPECS other parts.
# Leaves with 1 if a check failed, with 2 if the run could not be made.
set -eu

suite=${1:?"usage: bench/gateway_conformance.sh PROGRAM (see bench/gateway_conformance.md)"}
emotionet=${EMOTIONET:-emotionet}
port=${PORT:-8642}
specs=${SPECS:-trustless-block-gateway,trustless-car-gateway}
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
trap 'exit 2' INT TERM

export EMOTIONET_HOME="$work/home"
"$suite" extract-fixtures --directory "$work/fixtures" --ipns=false --dnslink=false >"$work/extract.log"
find "$work/fixtures" -name '*.car' | sort >"$work/cars"
while read -r car; do # some lack a block on purpose, hence --partial
  "$emotionet" import --partial --hold "$car" >>"$work/import.log" 2>&1 || echo "not imported: $(basename "$car")"
done <"$work/cars"

"$emotionet" serve --no-worker --port "$port" >"$work/serve.log" 2>&1 &
server=$!
tries=0
until curl -fsS "http://127.0.0.1:$port/healthz" >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 150 ] || ! kill -0 "$server" 2>/dev/null; then
    echo "emotionet serve did not come up:" >&2
    cat "$work/serve.log" >&2
    exit 2
  fi
  sleep 0.2
done

"$suite" test --gateway-url "http://127.0.0.1:$port" --specs "$specs" --json-output "$work/report.json" \
  >"$work/suite.log" 2>&1 || true
# The report has an event a line; those of the suite as a whole are named suite_pass and suite_fail.
passed=$(grep -c '"Action":"pass"' "$work/report.json" || true)
failed=$(grep -c '"Action":"fail"' "$work/report.json" || true)
grep '"Action":"fail"' "$work/report.json" | sed 's/.*"Test":"\([^"]*\)".*/failed: \1/' || true
echo "$specs: $passed passed, $failed failed"
if [ -n "${REPORT:-}" ]; then cp "$work/report.json" "$REPORT"; fi
if [ "$passed" -eq 0 ]; then
  cat "$work/suite.log" >&2
  exit 2
fi
[ "$failed" -eq 0 ]
