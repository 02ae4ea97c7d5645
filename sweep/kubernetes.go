package sweep

import (
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
)

// Kubernetes is an Indexed Job that trains the trials of a sweep, index i trial i.
type Kubernetes struct {
	Name      string // of the sweep
	Namespace string // "": the one of the context
	Image     string
	Claim     string // PersistentVolumeClaim for the results, which many nodes can write to
	Trials    int
	Parallel  int // at a time
	CPUs      int // of a trial
	Every     string
	Spec      []byte // the sweep's file
}

// maxIndices is how many indices a Job may have with a limit of retries for each.
const maxIndices = 100_000

var (
	label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	claim = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	image = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._/:@-]*$`)
)

// Validate reports the first name that Kubernetes would not take.
func (j Kubernetes) Validate() error {
	switch {
	case !image.MatchString(j.Image):
		return fmt.Errorf("--image %q: want the name of a container image, such as registry/settle:1", j.Image)
	case !claim.MatchString(j.Claim):
		return fmt.Errorf("--claim %q: want the name of a PersistentVolumeClaim: small letters, digits, hyphens and dots", j.Claim)
	case j.Namespace != "" && !label.MatchString(j.Namespace):
		return fmt.Errorf("--namespace %q: want small letters, digits and hyphens", j.Namespace)
	case j.Trials > maxIndices:
		return fmt.Errorf("%d trials: want at most %d in one Kubernetes job", j.Trials, maxIndices)
	}
	return nil
}

// Where a container has things.
const (
	mountedSpec = "/sweep"
	mountedRuns = "/runs"
)

// object is a mapping in the order it is written in.
type manifest = yaml.MapSlice

// Manifest returns a ConfigMap with the sweep's file and the Job. A pod that is evicted, or whose node fails, does not count
// as a failure; one that is stopped gets a minute to checkpoint; each index is tried again up to three times, but not after
// exit code 2, which says that the request is wrong.
func (j Kubernetes) Manifest() ([]byte, error) {
	name := "settle-" + j.Name
	meta := manifest{{Key: "name", Value: name}}
	if j.Namespace != "" {
		meta = append(meta, yaml.MapItem{Key: "namespace", Value: j.Namespace})
	}
	meta = append(meta, yaml.MapItem{Key: "labels", Value: j.labels()})
	config := manifest{
		{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "ConfigMap"}, {Key: "metadata", Value: meta},
		{Key: "data", Value: manifest{{Key: "sweep.yaml", Value: string(j.Spec)}}},
	}
	job := manifest{
		{Key: "apiVersion", Value: "batch/v1"}, {Key: "kind", Value: "Job"}, {Key: "metadata", Value: meta},
		{Key: "spec", Value: manifest{
			{Key: "completionMode", Value: "Indexed"}, {Key: "completions", Value: j.Trials}, {Key: "parallelism", Value: min(j.Parallel, j.Trials)},
			{Key: "backoffLimitPerIndex", Value: 3},
			{Key: "podFailurePolicy", Value: manifest{{Key: "rules", Value: []manifest{
				{{Key: "action", Value: "FailIndex"}, {Key: "onExitCodes", Value: manifest{{Key: "operator", Value: "In"}, {Key: "values", Value: []int{2}}}}},
				{{Key: "action", Value: "Ignore"}, {Key: "onPodConditions", Value: []manifest{{{Key: "type", Value: "DisruptionTarget"}, {Key: "status", Value: "True"}}}}},
			}}}},
			{Key: "template", Value: manifest{{Key: "metadata", Value: manifest{{Key: "labels", Value: j.labels()}}}, {Key: "spec", Value: j.pod(name)}}},
		}},
	}
	var out []byte
	for _, doc := range []manifest{config, job} {
		b, err := yaml.MarshalWithOptions(doc, yaml.IndentSequence(true))
		if err != nil {
			return nil, err
		}
		out = append(append(out, "---\n"...), b...)
	}
	return out, nil
}

func (j Kubernetes) labels() manifest {
	return manifest{{Key: "app.kubernetes.io/name", Value: "settle"}, {Key: "app.kubernetes.io/instance", Value: j.Name}}
}

// pod is the template of an index's pods. The user is the one of the Dockerfile; the group is given the volume.
func (j Kubernetes) pod(config string) manifest {
	mount := func(name, path string, only bool) manifest {
		m := manifest{{Key: "name", Value: name}, {Key: "mountPath", Value: path}}
		if only {
			m = append(m, yaml.MapItem{Key: "readOnly", Value: true})
		}
		return m
	}
	resources := manifest{{Key: "cpu", Value: fmt.Sprint(j.CPUs)}, {Key: "memory", Value: "1Gi"}}
	return manifest{
		{Key: "restartPolicy", Value: "Never"},
		{Key: "terminationGracePeriodSeconds", Value: 60},
		{Key: "securityContext", Value: manifest{{Key: "runAsNonRoot", Value: true}, {Key: "runAsUser", Value: user}, {Key: "runAsGroup", Value: user}, {Key: "fsGroup", Value: user}}},
		{Key: "containers", Value: []manifest{{
			{Key: "name", Value: "settle"},
			{Key: "image", Value: j.Image},
			{Key: "args", Value: []string{
				"sweep", "run", mountedSpec + "/sweep.yaml", "--trial", "$(JOB_COMPLETION_INDEX)", "--out", mountedRuns + "/" + j.Name,
				"--workers", fmt.Sprint(j.CPUs), "--checkpoint-every", j.Every,
			}},
			{Key: "resources", Value: manifest{{Key: "requests", Value: resources}, {Key: "limits", Value: resources}}},
			{Key: "securityContext", Value: manifest{{Key: "allowPrivilegeEscalation", Value: false}, {Key: "readOnlyRootFilesystem", Value: true}}},
			{Key: "volumeMounts", Value: []manifest{mount("sweep", mountedSpec, true), mount("runs", mountedRuns, false)}},
		}}},
		{Key: "volumes", Value: []manifest{
			{{Key: "name", Value: "sweep"}, {Key: "configMap", Value: manifest{{Key: "name", Value: config}}}},
			{{Key: "name", Value: "runs"}, {Key: "persistentVolumeClaim", Value: manifest{{Key: "claimName", Value: j.Claim}}}},
		}},
	}
}

// user is the number of the user in the container: any but root's.
const user = 65532

// Dockerfile makes an image of the static command, which must lie beside it as settle.
const Dockerfile = `# CGO_ENABLED=0 go build -o settle github.com/settle-pc/settle/cmd/settle
FROM scratch
COPY settle /settle
USER 65532:65532
ENTRYPOINT ["/settle"]
`
