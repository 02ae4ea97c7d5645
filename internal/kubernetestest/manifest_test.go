package kubernetestest

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// engine runs the kubernetes engine on the documentation's example and returns the directory.
func engine(t *testing.T, settle string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	args := append([]string{"sweep", "../../docs/examples/sweep.yaml", "--engine", "kubernetes", "--out", out, "--quiet"}, flags...)
	if text, err := exec.Command(settle, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// build builds the command as the Dockerfile wants it.
func build(t *testing.T) string {
	t.Helper()
	settle := filepath.Join(t.TempDir(), "settle")
	cmd := exec.Command("go", "build", "-o", settle, "./cmd/settle")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return settle
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The manifest is a ConfigMap and an Indexed Job, strictly: no key that the types do not have.
func TestTheManifestIsAnIndexedJob(t *testing.T) {
	out := engine(t, build(t), "--image", "registry/settle:1", "--claim", "runs", "--namespace", "lab", "--parallel", "7", "--workers", "2")
	docs := bytes.Split(read(t, filepath.Join(out, "kubernetes.yaml")), []byte("---\n"))
	if len(docs) != 3 || len(docs[0]) != 0 {
		t.Fatalf("%d documents", len(docs)-1)
	}
	var config corev1.ConfigMap
	if err := yaml.UnmarshalStrict(docs[1], &config); err != nil {
		t.Fatal(err)
	}
	if config.APIVersion != "v1" || config.Kind != "ConfigMap" || config.Data["sweep.yaml"] != string(read(t, "../../docs/examples/sweep.yaml")) {
		t.Errorf("the ConfigMap does not hold the sweep's file: %+v", config)
	}
	var job batchv1.Job
	if err := yaml.UnmarshalStrict(docs[2], &job); err != nil {
		t.Fatal(err)
	}
	misspelt := bytes.Replace(docs[2], []byte("completionMode"), []byte("completionsMode"), 1)
	if err := yaml.UnmarshalStrict(misspelt, &batchv1.Job{}); err == nil {
		t.Error("a key that a Job does not have is accepted: the test tests nothing")
	}
	s := job.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" || job.Namespace != "lab" || job.Name != "settle-gaps" ||
		*s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != 200 || *s.Parallelism != 7 || *s.BackoffLimitPerIndex != 3 {
		t.Errorf("the Job: %+v", job)
	}
	pod := s.Template.Spec
	if pod.RestartPolicy != corev1.RestartPolicyNever { // podFailurePolicy and backoffLimitPerIndex want it
		t.Errorf("restart policy %s", pod.RestartPolicy)
	}
	c := pod.Containers[0]
	want := "sweep run /sweep/sweep.yaml --trial $(JOB_COMPLETION_INDEX) --out /runs/gaps --workers 2 --checkpoint-every 30s"
	if got := strings.Join(c.Args, " "); got != want || c.Image != "registry/settle:1" || c.Resources.Requests.Cpu().Value() != 2 {
		t.Errorf("container %s with %s cores: %s\nwant %s", c.Image, c.Resources.Requests.Cpu(), got, want)
	}
	mounted(t, pod, config.Name)
	for _, rule := range s.PodFailurePolicy.Rules {
		known := []batchv1.PodFailurePolicyAction{batchv1.PodFailurePolicyActionFailIndex, batchv1.PodFailurePolicyActionIgnore}
		if !slices.Contains(known, rule.Action) || (rule.OnExitCodes == nil) == (rule.OnPodConditions == nil) {
			t.Errorf("rule %+v", rule)
		}
	}
}

// mounted wants every mount to have its volume: the ConfigMap for the file and the claim for the runs.
func mounted(t *testing.T, pod corev1.PodSpec, config string) {
	t.Helper()
	at := map[string]string{}
	for _, m := range pod.Containers[0].VolumeMounts {
		for _, v := range pod.Volumes {
			switch {
			case v.Name != m.Name:
			case v.ConfigMap != nil:
				at[m.MountPath] = "config " + v.ConfigMap.Name
			case v.PersistentVolumeClaim != nil:
				at[m.MountPath] = "claim " + v.PersistentVolumeClaim.ClaimName
			}
		}
	}
	if want := map[string]string{"/sweep": "config " + config, "/runs": "claim runs"}; fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("mounts %v, want %v", at, want)
	}
}

// The command runs in an image with nothing else, as the Dockerfile copies it: it needs no interpreter and no library.
func TestTheCommandIsStatic(t *testing.T) {
	settle := build(t)
	f, err := elf.Open(settle)
	if err != nil {
		t.Skipf("not an ELF file: %v", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it has an interpreter")
		}
	}
	if libs, err := f.ImportedLibraries(); err == nil && len(libs) > 0 {
		t.Errorf("it needs %q", libs)
	}
	docker := string(read(t, filepath.Join(engine(t, settle), "Dockerfile")))
	for _, line := range []string{"FROM scratch\n", "COPY settle /settle\n", `ENTRYPOINT ["/settle"]` + "\n"} {
		if !strings.Contains(docker, line) {
			t.Errorf("the Dockerfile has no %q", line)
		}
	}
}
