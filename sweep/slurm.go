package sweep

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Slurm is a job array that trains the trials of a sweep.
type Slurm struct {
	Name    string   // of the sweep
	Settle  string   // absolute path of the command, as the nodes see it
	Dir     string   // absolute path of the sweep's directory, shared between the nodes
	Array   string   // an Array's Indices
	CPUs    int      // of a trial
	Every   string   // time between checkpoints, as a flag has it
	Options []string // of sbatch, as KEY or KEY=VALUE
}

// Validate reports every option that is not good in a script, or that the script has already.
func (j Slurm) Validate() error {
	for _, o := range j.Options {
		key, _, _ := strings.Cut(o, "=")
		switch {
		case !slurmOption.MatchString(o):
			return fmt.Errorf("--sbatch %q: want an option of sbatch without its hyphens, such as time=1:00:00, and no spaces or quotes", o)
		case slices.Contains(slurmOwn, key):
			return fmt.Errorf("--sbatch %q: want another option: the script needs its own %s", o, strings.Join(slurmOwn, ", "))
		case key == "cpus-per-task":
			return fmt.Errorf("--sbatch %q: want --workers N instead, so that the training knows", o)
		}
	}
	for _, p := range []string{j.Settle, j.Dir} {
		if !slurmPath.MatchString(p) {
			return fmt.Errorf("--engine slurm: path %q: want one of letters, digits and / . _ + - only: it goes into a script and, with %% and \\, into patterns of Slurm", p)
		}
	}
	return nil
}

var (
	slurmOption = regexp.MustCompile(`^[a-z][a-z-]*(=[A-Za-z0-9_.,:/@%+*=\[\]|&-]+)?$`)
	slurmPath   = regexp.MustCompile(`^/[\p{L}\p{N}/._+-]*$`)
	slurmOwn    = []string{"array", "job-name", "output", "open-mode", "requeue", "no-requeue", "signal", "wrap", "parsable"}
)

// Script returns the script of the array. Slurm sends USR1 to the shell a minute before the time limit (and some sites do
// before they preempt); the trial then checkpoints, and the job puts itself back into the queue. Slurm requeues what it
// preempts, and jobs of failed nodes, itself: wherever a trial ended, it goes on from its last checkpoint. An argument of
// the script is added to the array's index.
func (j Slurm) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/bash\n")
	for _, o := range append([]string{
		"job-name=settle-" + j.Name, "array=" + j.Array, "output=" + j.Dir + "/slurm/%A_%a.log", "open-mode=append",
		"requeue", "signal=B:USR1@60", fmt.Sprintf("cpus-per-task=%d", j.CPUs),
	}, j.Options...) {
		fmt.Fprintf(&b, "#SBATCH --%s\n", o)
	}
	fmt.Fprintf(&b, `
# Written by settle sweep --engine slurm; settle sweep resubmit hands it to sbatch again.
trial=$((SLURM_ARRAY_TASK_ID + ${1:-0}))
pid=
again=
signal=
tell() {
	[ -z "$pid" ] || kill -"$signal" "$pid" 2>/dev/null
}
trap 'signal=USR1; again=1; tell' USR1
trap 'signal=TERM; tell' TERM

%s sweep run %s --trial "$trial" --workers %d --checkpoint-every %s &
pid=$!
[ -z "$signal" ] || tell # it came before there was whom to tell

wait "$pid"
code=$?
while [ -n "$signal" ]; do # a trap ended the wait, not the trial
	signal=
	wait "$pid"
	code=$?
done

# 130: interrupted with its state saved; above 128 also where the signal came before it could be caught.
if [ -n "$again" ] && [ "$code" -gt 128 ]; then
	scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" && exit 0
fi
exit "$code"
`, j.Settle, j.Dir, j.CPUs, j.Every)
	return b.String()
}

// Array is a part of a sweep that fits into one job array.
type Array struct {
	Offset  int    // to be added to an index
	Indices string // as sbatch's --array has them
	Trials  []int
}

// slurmIndices is how many indices an array has at most: Slurm's default MaxArraySize is 1001.
const slurmIndices = 1000

// Arrays divides trials, ascending, into arrays with at most parallel of them at a time each; 0: no limit.
func Arrays(trials []int, parallel int) []Array {
	var out []Array
	for _, t := range trials {
		offset := t / slurmIndices * slurmIndices
		if len(out) == 0 || out[len(out)-1].Offset != offset {
			out = append(out, Array{Offset: offset})
		}
		a := &out[len(out)-1]
		a.Trials = append(a.Trials, t)
	}
	for k := range out {
		out[k].Indices = indices(out[k])
		if parallel > 0 {
			out[k].Indices += fmt.Sprintf("%%%d", parallel)
		}
	}
	return out
}

// indices writes those of an array as 0-5,7.
func indices(a Array) string {
	var parts []string
	for k := 0; k < len(a.Trials); {
		end := k
		for end+1 < len(a.Trials) && a.Trials[end+1] == a.Trials[end]+1 {
			end++
		}
		part := fmt.Sprint(a.Trials[k] - a.Offset)
		if end > k {
			part += fmt.Sprintf("-%d", a.Trials[end]-a.Offset)
		}
		parts = append(parts, part)
		k = end + 1
	}
	return strings.Join(parts, ",")
}
