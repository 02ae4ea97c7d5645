package sweep

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestArraysHaveEveryTrialOnceInIndicesThatSlurmTakes(t *testing.T) {
	count := func(from, to int) (list []int) {
		for i := from; i < to; i++ {
			list = append(list, i)
		}
		return list
	}
	for _, c := range []struct {
		trials   []int
		parallel int
		want     []string // OFFSET:INDICES
	}{
		{nil, 0, nil},
		{count(0, 200), 0, []string{"0:0-199"}},
		{count(0, 200), 16, []string{"0:0-199%16"}},
		{[]int{3}, 0, []string{"0:3"}},
		{[]int{0, 1, 2, 5, 7, 8}, 2, []string{"0:0-2,5,7-8%2"}},
		{count(0, 2500), 0, []string{"0:0-999", "1000:0-999", "2000:0-499"}},
		{[]int{999, 1000, 5007}, 0, []string{"0:999", "1000:0", "5000:7"}},
	} {
		var got []string
		var all []int
		for _, a := range Arrays(c.trials, c.parallel) {
			got = append(got, fmt.Sprintf("%d:%s", a.Offset, a.Indices))
			all = append(all, a.Trials...)
		}
		if !slices.Equal(got, c.want) || !slices.Equal(all, c.trials) {
			t.Errorf("%d trials: %q, want %q", len(c.trials), got, c.want)
		}
	}
}

func TestOptionsAndPathsThatAreNoGoodInAScript(t *testing.T) {
	good := Slurm{Name: "a", Settle: "/usr/bin/settle", Dir: "/home/ü/runs/20260102-150405-sweep", Array: "0-1", CPUs: 1, Every: "30s"}
	for _, o := range []string{"time=1-00:00:00", "partition=short,long", "exclusive", "gres=gpu:a100:1", "mem-per-cpu=2G", "constraint=avx2&ib", "mail-user=a.b@c.d"} {
		j := good
		j.Options = []string{o}
		if err := j.Validate(); err != nil {
			t.Errorf("%s: %v", o, err)
		}
	}
	for _, o := range []string{"", "--time=1", "time=1 hour", "comment='x'", "comment=$(x)", "comment=`x`", "a=b\nrm", "array=0-3", "requeue", "signal=TERM", "cpus-per-task=2", "Time=1"} {
		j := good
		j.Options = []string{o}
		if err := j.Validate(); err == nil {
			t.Errorf("--sbatch %q is accepted", o)
		}
	}
	for _, p := range []string{"relative", "/a b", "/a%j", "/a\nb", "/a;b", "/a'b", "/$HOME", `/a\b`, "/~"} {
		j := good
		j.Dir = p
		if err := j.Validate(); err == nil {
			t.Errorf("path %q is accepted", p)
		}
	}
}

// What the script does, with a command in settle's place that ends as each case says, and scontrol that notes its call.
func TestTheScriptRequeuesOnlyWhatUSR1Interrupted(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for name, c := range map[string]struct {
		settle   string // shell: TRIAL is $4
		signal   string // to the shell, once settle has begun
		code     int
		requeued bool
	}{
		"done":                 {"exit 0", "", 0, false},
		"failed":               {"exit 1", "", 1, false},
		"refused":              {"exit 2", "", 2, false},
		"USR1":                 {"trap 'exit 130' USR1; begin", "USR1", 0, true},
		"USR1, but it is done": {"trap 'exit 0' USR1; begin", "USR1", 0, false},
		"USR1, and it fails":   {"trap 'exit 1' USR1; begin", "USR1", 1, false},
		"USR1 is its end":      {"begin", "USR1", 0, true},
		"USR1, takes a while":  {"trap 'sleep 0.3; exit 130' USR1; begin", "USR1", 0, true},
		"TERM":                 {"trap 'exit 130' TERM; begin", "TERM", 130, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
				return path
			}
			begin := "begin() { echo \"$@\" > begun; kill -" + c.signal + " $PPID; for ((i = 0; i < 1000; i++)); do sleep 0.01; done; }\n"
			settle := write("settle", "#!"+bash+"\necho \"$@\" > args\n"+begin+c.settle+"\n")
			write("scontrol", "#!"+bash+"\necho \"$@\" >> requeued\n")
			j := Slurm{Name: "a", Settle: settle, Dir: "/runs/out", Array: "0-9", CPUs: 3, Every: "30s"}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, bash, write("slurm.sh", j.Script()), "2000")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_JOB_ID=41")
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.code {
				t.Errorf("exit code %d, want %d: %s", got, c.code, out)
			}
			args, _ := os.ReadFile(filepath.Join(dir, "args"))
			if got := strings.TrimSpace(string(args)); got != "sweep run /runs/out --trial 2007 --workers 3 --checkpoint-every 30s" {
				t.Errorf("settle %s", got)
			}
			text, _ := os.ReadFile(filepath.Join(dir, "requeued"))
			if want := map[bool]string{true: "requeue 41_7\n"}[c.requeued]; string(text) != want {
				t.Errorf("scontrol %q, want %q", text, want)
			}
		})
	}
}
