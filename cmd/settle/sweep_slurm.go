package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/settle-pc/settle/store"
	"github.com/settle-pc/settle/sweep"
)

const (
	slurmScript = "slurm.sh"
	slurmLogs   = "slurm" // folder of the jobs' outputs
	jobsTable   = "jobs"
)

// slurmFlags are those of the engine.
type slurmFlags struct{ options []string }

func (f *slurmFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.options, "sbatch", nil, "an `option` of sbatch, such as time=1:00:00; may be repeated (slurm)")
}

// sweepSlurm writes the script and submits every trial that has no result.
func (a *app) sweepSlurm(cmd *cobra.Command, p *sweepPlan, f sweepFlags) error {
	if _, err := slurmTool("sbatch"); err != nil {
		return err
	}
	settle, err := os.Executable()
	if err != nil {
		return failure{err}
	}
	if strings.Contains(settle, "go-build") {
		return errors.New("--engine slurm: settle is run by go run, which removes it at the end: want it installed where the nodes see it (go install ./cmd/settle)")
	}
	job := sweep.Slurm{Name: p.Name, Settle: settle, CPUs: 1, Every: f.every.String(), Options: f.slurm.options}
	if cmd.Flags().Changed("workers") {
		job.CPUs = a.workers
	}
	if job.Dir, err = filepath.Abs(cmp.Or(a.dir, "runs")); err != nil {
		return failure{err}
	}
	if err := job.Validate(); err != nil { // before anything is written
		return err
	}
	run, err := a.place(p)
	if err != nil {
		return err
	}
	defer run.Close()
	if job.Dir, err = filepath.Abs(run.Dir()); err != nil {
		return failure{err}
	}
	job.Array = sweep.Arrays(p.all(), f.parallel)[0].Indices
	if err := errors.Join(run.WriteFile(slurmScript, []byte(job.Script())), os.MkdirAll(filepath.Join(job.Dir, slurmLogs), 0o777)); err != nil {
		return failure{err}
	}
	return a.submit(run, p, f.parallel)
}

// submit hands the trials without a result, and not in the queue, to sbatch.
func (a *app) submit(run *store.Run, p *sweepPlan, parallel int) error {
	queued, err := a.queue(run.Dir())
	if err != nil {
		return failure{err}
	}
	var open []int
	waiting := 0
	for _, r := range p.rows(run.Dir(), queued) {
		switch {
		case r.WeightsSHA256 != "":
		case inQueue(queued[r.Trial]):
			waiting++
		default:
			open = append(open, r.Trial)
		}
	}
	jobs := []string{}
	for _, array := range sweep.Arrays(open, parallel) {
		out, err := slurm("sbatch", "--parsable", "--array="+array.Indices, filepath.Join(run.Dir(), slurmScript), strconv.Itoa(array.Offset))
		if err != nil {
			return failure{err}
		}
		job, _, _ := strings.Cut(strings.TrimSpace(out), ";") // of a federation: JOB;CLUSTER
		if err := run.Row(jobsTable, []string{"job", "offset", "trials", "submitted"}, []any{job, array.Offset, array.Trials, stamp()}); err != nil {
			return failure{err}
		}
		jobs = append(jobs, job)
		fmt.Fprintf(a.text(), "submitted %d trials as job %s\n", len(array.Trials), job)
	}
	if len(open) == 0 {
		fmt.Fprintf(a.text(), "nothing to submit: %d trials have results, %d are in the queue\n", len(p.trials)-waiting, waiting)
	}
	fmt.Fprintf(a.text(), "next: settle sweep status %s; logs are in %s\n", run.Dir(), filepath.Join(run.Dir(), slurmLogs))
	return a.deliver(nil, "", map[string]any{"name": p.Name, "jobs": jobs, "submitted": append([]int{}, open...), "run": run.Dir()})
}

// slurmTool finds a command of Slurm.
func slurmTool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("--engine slurm: %s: not found on PATH: want a machine from which jobs are submitted", name)
	}
	return path, nil
}

// slurm runs a command of Slurm and returns what it prints; what it says on failure is in the error.
func slurm(name string, args ...string) (string, error) {
	path, err := slurmTool(name)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// slurmJob is an array that was submitted.
type slurmJob struct {
	id     string
	offset int
}

// slurmJobs lists the arrays of the sweep in dir.
func slurmJobs(dir string) ([]slurmJob, error) {
	run, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	table, err := run.Table(jobsTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var jobs []slurmJob
	for _, row := range table.Rows {
		id, okID := row[0].(string)
		offset, okOffset := row[1].(float64)
		if !okID || !okOffset {
			return nil, fmt.Errorf("%s: table %s: want a job and an offset in each row, got %v", dir, jobsTable, row)
		}
		jobs = append(jobs, slurmJob{id, int(offset)})
	}
	return jobs, nil
}

// queue returns what Slurm says of the trials of the sweep in dir: from accounting where there is one, and from the queue.
// Without jobs, or off the cluster, it knows nothing.
func (a *app) queue(dir string) (map[int]string, error) {
	jobs, err := slurmJobs(dir)
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	if _, err := slurmTool("squeue"); err != nil {
		return nil, nil
	}
	offsets := map[string]int{}
	var ids []string
	for _, j := range jobs {
		offsets[j.id] = j.offset
		ids = append(ids, j.id)
	}
	states := map[int]string{}
	read := func(out, sep string) {
		for line := range strings.Lines(out) {
			task, state, _ := strings.Cut(strings.TrimSpace(line), sep)
			job, index, ok := strings.Cut(task, "_")
			offset, ours := offsets[job]
			if k, err := strconv.Atoi(index); ok && ours && err == nil {
				word, _, _ := strings.Cut(strings.ToLower(state), " ") // "CANCELLED by 0"
				states[offset+k] = word
			}
		}
	}
	// Accounting is not everywhere; where it is not, sacct fails.
	if out, err := slurm("sacct", "--noheader", "--parsable2", "--allocations", "--array", "--jobs="+strings.Join(ids, ","), "--format=JobID,State"); err == nil {
		read(out, "|")
	}
	for _, id := range ids { // one by one: squeue fails for a job that it has forgotten
		if out, err := slurm("squeue", "--noheader", "--array", "--jobs="+id, "--format=%F_%K|%T"); err == nil {
			read(out, "|")
		}
	}
	return states, nil
}

// inQueue reports whether a state of Slurm is one of a job that is not at its end.
func inQueue(state string) bool {
	switch state {
	case "pending", "running", "completing", "configuring", "requeued", "requeue_hold", "requeue_fed", "resizing", "signaling", "special_exit", "stage_out", "suspended", "resv_del_hold":
		return true
	}
	return false
}

func (a *app) sweepCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel DIR",
		Short: "Take a sweep's jobs out of Slurm's queue",
		Long: `Cancels the job arrays of a sweep. Trials that are running checkpoint where the site gives them the time; resubmit goes on
from there. A sweep on this machine ends with Ctrl-C, one in Kubernetes with: kubectl delete -f DIR/kubernetes.yaml`,
		Example: "  settle sweep cancel gaps",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuse(cmd, "seed", "out", "workers"); err != nil {
				return err
			}
			jobs, err := submitted(args[0])
			if err != nil {
				return err
			}
			ids := []string{}
			for _, j := range jobs {
				ids = append(ids, j.id)
			}
			if _, err := slurm("scancel", ids...); err != nil {
				return failure{err}
			}
			fmt.Fprintf(a.text(), "cancelled %s; next: settle sweep resubmit %s\n", strings.Join(ids, ", "), args[0])
			return a.deliver(nil, "", map[string]any{"jobs": ids, "run": args[0]})
		},
	}
}

// submitted wants jobs of the sweep in dir.
func submitted(dir string) ([]slurmJob, error) {
	if _, err := openSweep(dir); err != nil {
		return nil, err
	}
	jobs, err := slurmJobs(dir)
	if err == nil && len(jobs) == 0 {
		err = fmt.Errorf("%s: not submitted to Slurm: want a sweep that was; on this machine  settle sweep %s  goes on", dir, dir)
	}
	return jobs, err
}

func (a *app) sweepResubmitCommand() *cobra.Command {
	parallel := 0
	cmd := &cobra.Command{
		Use:   "resubmit DIR",
		Short: "Submit to Slurm what is missing of a sweep",
		Long: `Submits DIR/slurm.sh for the trials that have no result and are not in the queue: those that failed, were cancelled, or
never ran. They go on from their checkpoints. A training that diverged has a result.`,
		Example: "  settle sweep resubmit gaps",
		Args:    operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuse(cmd, "seed", "out", "workers"); err != nil {
				return err
			}
			if parallel < 0 {
				return fmt.Errorf("--parallel %d: want a number of trials from 1, or 0 for no limit", parallel)
			}
			if _, err := submitted(args[0]); err != nil {
				return err
			}
			for _, tool := range []string{"sbatch", "squeue"} { // without the queue, trials might be submitted twice
				if _, err := slurmTool(tool); err != nil {
					return err
				}
			}
			p, err := openSweep(args[0])
			if err != nil {
				return err
			}
			run, err := store.Continue(args[0])
			if err != nil {
				return blame(err)
			}
			defer run.Close()
			return a.submit(run, p, parallel)
		},
	}
	cmd.Flags().IntVar(&parallel, "parallel", 0, "`trials` at a time; 0: no limit")
	return cmd
}
