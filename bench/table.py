"""The table of docs/bench.md from the rows of bench/run: python table.py ROWS"""

import json
import sys
from statistics import median

steps, products, kernels, pairs, peaks = {}, {}, {}, [], []


def add(library, what, network, act, ms, low, high, residual):
    steps.setdefault((network, act, what.startswith("PC"), library, what), []).append((ms, low, high, residual))


for line in open(sys.argv[1]):
    r = json.loads(line)
    if "gemm" in r:
        peaks.append(r["peak_gflops"])
        for g in r["gemm"]:
            if g["dtype"] == "float32":
                kernels.setdefault((f"{g['m']}x{g['k']}x{g['n']}", g["op"]), []).append(g["gflops"])
    elif "gflops" in r:
        products.setdefault((r["network"], r["what"]), []).append(r["gflops"])
    elif "cases" in r:
        if r["run"] == "pair":
            pairs.append(r["cases"])
            continue
        turns = r["run"] == "in turns"
        for c in r["cases"]:
            if c["rule"] == "bp" and r["run"] == "1 % gap":
                continue  # BP is in the other run, too
            what = ("PC, residual ratio 2.4e-3" if turns else f"PC, {r['run']}") if c["rule"] == "pc" else "BP"
            what += ", BP and PC in turns" if turns else ""
            add("settle", what, c["arch"], c["act"], c["ms_per_step"], c["ms_min"], c["ms_max"], c["residual"])
    else:
        add(f"{r['library']} {r['version']}", r["what"], r["network"], r["act"], r["ms"], r["min"], r["max"], r["residual"])

ms = {}
print("| network | step | library | ms, median | rounds' medians | fastest – slowest step | residual ratio |\n|---|---|---|---|---|---|---|")
for (network, act, _, library, what), rounds in sorted(steps.items(), key=lambda s: (s[0][:3], median(r[0] for r in s[1]))):
    mids = [r[0] for r in rounds]
    ms[network, act, library.split()[0], what] = [median(mids), mids]
    residual = "" if rounds[0][3] is None else f"{rounds[0][3]:.2g}"
    print(f"| {network} {act} | {what} | {library} | {median(mids):.2f} | {min(mids):.2f} – {max(mids):.2f} | "
          f"{min(r[1] for r in rounds):.2f} – {max(r[2] for r in rounds):.1f} | {residual} |")

print(f"\n| product, GFLOP/s | settle | NumPy | settle/NumPy |\n|---|---|---|---|")
for key in products:
    if key in kernels:
        a, b = median(kernels[key]), median(products[key])
        print(f"| {key[0]} {key[1]} | {a:.0f} | {b:.0f} | {a / b:.2f} |")
print(f"\nMeasured FMA peak {median(peaks):.0f} GFLOP/s.")

print("\n| asked for | measured (median of the rounds' ratios) | range | |\n|---|---|---|---|")


def ratio(name, want, theirs, ours):
    if theirs not in ms or ours not in ms:
        print(f"| {name} | not measured | | |")
        return
    rs = [a / b for a, b in zip(ms[theirs][1], ms[ours][1])]
    verdict(name, want, rs)


def verdict(name, want, rs):
    print(f"| {name}: ≥ {want} | {median(rs):.2f} | {min(rs):.2f} – {max(rs):.2f} | {'reached' if median(rs) >= want else '**not reached**'} |")


for network, act in sorted({k[:2] for k in ms}):
    k = (network, act)
    ratio(f"BP, {network} {act}, JAX ÷ settle", 1, k + ("jax", "BP"), k + ("settle", "BP"))
    pc = k + ("settle", "PC, residual ratio 2.4e-3")
    ratio(f"PC, {network} {act}, FabricPC error coordinates ÷ settle", 2, k + ("fabricpc", "PC, error coordinates 3 x 0.7"), pc)
    ratio(f"PC, {network} {act}, JPC-like Heun (F/batch) ÷ settle", 5, k + ("jax", "PC, Heun to t = 20, F/batch"), pc)
for rule in "bp", "pc":
    if pairs:
        t = [{c["workers"]: c["ms_per_step"] for c in p if c["rule"] == rule} for p in pairs]
        verdict(f"{rule.upper()}, 784-300x9-10 tanh, one worker ÷ two, {len(t)} pairs", 1.7, [x[1] / x[2] for x in t])
