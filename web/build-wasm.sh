#!/usr/bin/env bash
# Builds static/toy.wasm.gz from toywasm and copies the wasm_exec.js that belongs to it. Both depend on the exact toolchain,
# which is that of go.mod; TestWasmIsBuiltFromTheSource compares.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$out" ./toywasm
gzip -9nc "$out" >static/toy.wasm.gz
cp "$(go env GOROOT)/lib/wasm/wasm_exec.js" static/wasm_exec.js
mkdir -p third_party/go
cp "$(go env GOROOT)/LICENSE" third_party/go/LICENSE
