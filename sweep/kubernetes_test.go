package sweep

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestNamesThatKubernetesWouldNotTake(t *testing.T) {
	good := Kubernetes{Name: "a", Image: "registry.example/lab/settle:1.2@sha256:ab", Claim: "runs", Namespace: "lab", Trials: 10, Parallel: 2, CPUs: 1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Kubernetes){
		"--image":       func(j *Kubernetes) { j.Image = "a b" },
		"--image \"\"":  func(j *Kubernetes) { j.Image = "" },
		"--claim":       func(j *Kubernetes) { j.Claim = "../runs" },
		"--claim \"\"":  func(j *Kubernetes) { j.Claim = "" },
		"--namespace":   func(j *Kubernetes) { j.Namespace = "Lab" },
		"100001 trials": func(j *Kubernetes) { j.Trials = 100001 },
	} {
		j := good
		change(&j)
		if err := j.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Whatever is in the sweep's file, the ConfigMap gives it back byte for byte.
func TestTheManifestHoldsTheFileAsItIs(t *testing.T) {
	for _, source := range []string{
		"seeds: [1]\n", "seeds: [1]", "# a: \"b\"\n\nseeds: [1] # 'c'\n\n", "seeds: [1]\r\n", "  \nseeds: [1]\n", "# --- not a document\nseeds:\n\t- 1\n", "name: \"ü: |\"\n",
	} {
		j := Kubernetes{Name: "a", Image: "settle", Claim: "runs", Trials: 1, Parallel: 1, CPUs: 1, Every: "30s", Spec: []byte(source)}
		text, err := j.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		var config struct{ Data map[string]string }
		if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&config); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if got := config.Data["sweep.yaml"]; got != source {
			t.Errorf("%q, want %q", got, source)
		}
	}
}
