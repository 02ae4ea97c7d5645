package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/sweep"
)

const (
	kubernetesFile = "kubernetes.yaml"
	dockerFile     = "Dockerfile"
)

// defaultPods is how many trials a Kubernetes job runs at a time.
const defaultPods = 10

// kubernetesFlags are those of the engine.
type kubernetesFlags struct{ image, claim, namespace string }

func (f *kubernetesFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.image, "image", "settle", "container `image` of settle (kubernetes)")
	flags.StringVar(&f.claim, "claim", "settle", "PersistentVolumeClaim for the results, by `name` (kubernetes)")
	flags.StringVar(&f.namespace, "namespace", "", "`namespace` of the job (kubernetes)")
}

// sweepKubernetes writes a manifest and a Dockerfile. It starts nothing.
func (a *app) sweepKubernetes(cmd *cobra.Command, p *sweepPlan, f sweepFlags) error {
	job := sweep.Kubernetes{Name: p.Name, Namespace: f.cluster.namespace, Image: f.cluster.image, Claim: f.cluster.claim, Trials: len(p.trials),
		Parallel: defaultPods, CPUs: 1, Every: f.every.String(), Spec: p.source}
	if f.parallel > 0 {
		job.Parallel = f.parallel
	}
	if cmd.Flags().Changed("workers") {
		job.CPUs = a.workers
	}
	if err := job.Validate(); err != nil {
		return err
	}
	text, err := job.Manifest()
	if err != nil {
		return failure{err}
	}
	run, err := a.place(p)
	if err != nil {
		return err
	}
	defer run.Close()
	for name, text := range map[string][]byte{kubernetesFile: text, dockerFile: []byte(sweep.Dockerfile)} {
		if err := run.WriteFile(name, text); err != nil {
			return failure{err}
		}
	}
	dir := run.Dir()
	fmt.Fprintf(a.text(), `wrote %s and %s for %d trials; next:
  CGO_ENABLED=0 GOOS=linux go build -o %s/settle ./cmd/settle
  docker build -t %s %s   and push it to where the cluster finds it
  kubectl apply -f %s
The trials are in the folder %s of the claim %s: where it is mounted,  settle sweep collect  reads them.
`, filepath.Join(dir, kubernetesFile), filepath.Join(dir, dockerFile), len(p.trials), dir, job.Image, dir, filepath.Join(dir, kubernetesFile), p.Name, job.Claim)
	return a.deliver(nil, "", map[string]any{"name": p.Name, "trials": len(p.trials), "files": []string{kubernetesFile, dockerFile}, "run": dir})
}
