package data

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/settle-pc/settle/internal/pythontest"
)

// makeSets writes random images in every format, with NumPy and what comes with Python, and prints for each set what is in it.
const makeSets = `
import json, os, struct, zlib
import numpy as np

rng = np.random.default_rng(8)
sets = {}

def show(x, y, u, v):
    scaled = x / 255
    return dict(rows=x.shape[1], cols=x.shape[2], channels=x.shape[3] if x.ndim == 4 else 1,
                train=x.reshape(-1).tolist(), trainLabels=y.reshape(-1).tolist(), test=u.reshape(-1).tolist(),
                testLabels=v.reshape(-1).tolist(), mean=round(float(scaled.mean()), 4), std=round(float(scaled.std()), 4))

def draw(n, *shape):
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), np.arange(n) % 3

def arrays(shape, kind, tall):
    x, y = draw(9, *shape)
    u, v = draw(6, *shape)
    y, v = y.astype(kind), v.astype(kind)
    if tall:
        y, v = y[:, None], v[:, None]
    return dict(x_train=x, y_train=y, x_test=u, y_test=v)

for k, (shape, kind, tall) in enumerate([((4, 5), "u1", False), ((4, 5, 3), "<i8", True), ((4, 5, 1), ">u2", False), ((2, 3, 4), "<i4", True),
                                         ((4, 5), "i1", False), ((3, 2, 2), ">i8", True)]):
    a = arrays(shape, kind, tall)
    os.mkdir(f"npy{k}")
    for name, v in a.items():
        np.save(f"npy{k}/{name}.npy", v)
    np.savez(f"npz{k}.npz", **a)
    np.savez_compressed(f"packed{k}.npz", other=np.float64(1), **a)
    for name in (f"npy{k}", f"npz{k}.npz", f"packed{k}.npz"):
        sets[name] = show(*a.values())

# Transposed views, which NumPy saves in their order or row by row, as it finds better.
planes, y = draw(9, 3, 4, 5)
np.savez("views.npz", x_train=planes.transpose(0, 2, 3, 1), y_train=y, x_test=planes[:6].transpose(0, 2, 3, 1), y_test=y[:6])
sets["views.npz"] = show(planes.transpose(0, 2, 3, 1), y, planes[:6].transpose(0, 2, 3, 1), y[:6])

# CIFAR-10: a label, and planes, in every record.
os.mkdir("cifar")
planes, y = draw(12, 3, 32, 32)
raw = np.concatenate([y[:, None].astype(np.uint8), planes.reshape(12, -1)], axis=1)
for b in range(5):
    raw[2 * b:2 * b + 2].tofile(f"cifar/data_batch_{b + 1}.bin")
raw[10:].tofile("cifar/test_batch.bin")
x = planes.transpose(0, 2, 3, 1)
sets["cifar"] = show(x[:10], y[:10], x[10:], y[10:])

def png(path, x):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in x)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", x.shape[1], x.shape[0], 8, 2 if x.ndim == 3 else 0, 0, 0, 0))
                + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))

for name, shape in {"grey": (4, 5), "colour": (4, 5, 3)}.items():
    split = {}
    for half, n in ("train", 9), ("test", 6):
        x, y = draw(n, *shape)
        for i in range(n):
            os.makedirs(f"{name}/{half}/{'abc'[y[i]]}", exist_ok=True)
            png(f"{name}/{half}/{'abc'[y[i]]}/{i}.png", x[i])
        split[half] = x, y
    sets[name] = show(*split["train"], *split["test"])

print(json.dumps(sets))
`

// NumPy's arrays, its CIFAR-10 records and PNG files made without any library hold, read here, what NumPy says that they hold.
func TestPythonWritesTheSameSets(t *testing.T) {
	dir := t.TempDir()
	var sets map[string]struct {
		Rows, Cols, Channels                 int
		Train, TrainLabels, Test, TestLabels []int
		Mean, Std                            float64
	}
	if err := json.Unmarshal([]byte(pythontest.Run(t, dir, makeSets)), &sets); err != nil {
		t.Fatal(err)
	}
	if len(sets) != 22 {
		t.Errorf("%d sets, want 22", len(sets))
	}
	for name, want := range sets {
		open := OpenDir
		if filepath.Ext(name) == ".npz" {
			open = OpenNPZ
		}
		s, err := open(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Size != (Size{want.Rows, want.Cols, want.Channels}) {
			t.Errorf("%s: size %v, want %d×%d×%d", name, s.Size, want.Rows, want.Cols, want.Channels)
		}
		// Halves of the fourth decimal may round either way.
		if d := max(s.Mean-want.Mean, want.Mean-s.Mean, s.Std-want.Std, want.Std-s.Std); d > 1.1e-4 {
			t.Errorf("%s: mean %v, deviation %v, want %v, %v", name, s.Mean, s.Std, want.Mean, want.Std)
		}
		for part, c := range map[string]struct {
			got  []byte
			want []int
		}{
			"training images": {s.Train.Images, want.Train}, "training labels": {s.Train.Labels, want.TrainLabels},
			"test images": {s.Test.Images, want.Test}, "test labels": {s.Test.Labels, want.TestLabels},
		} {
			if !slices.EqualFunc(c.got, c.want, func(a byte, b int) bool { return int(a) == b }) {
				t.Errorf("%s: other %s", name, part)
			}
		}
	}
}
