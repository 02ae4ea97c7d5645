package mnist

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"testing"
)

// official holds the published checksums: MD5 of the gz, SHA-256 of the content.
var official = map[string][2]string{
	"train-images-idx3-ubyte.gz": {"f68b3c2dcbeaaa9fbdd348bbdeb94873", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
	"train-labels-idx1-ubyte.gz": {"d53e105ee54ea40749a09fcbcd1e9432", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
	"t10k-images-idx3-ubyte.gz":  {"9fb629c4189551a2d022fa330f9573f3", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
	"t10k-labels-idx1-ubyte.gz":  {"ec29112dd5afa0611ce80d1b7f02629c", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}

func TestFilesAreTheOfficialOnes(t *testing.T) {
	entries, err := fs.ReadDir(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(official) {
		t.Errorf("%d files embedded, want %d", len(entries), len(official))
	}
	for name, want := range official {
		packed, err := fs.ReadFile(FS(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := md5.Sum(packed); hex.EncodeToString(got[:]) != want[0] {
			t.Errorf("%s: MD5 %x, want %s", name, got, want[0])
		}
		content, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != want[1] {
			t.Errorf("%s: SHA-256 %s, want %s", name, got, want[1])
		}
	}
}
