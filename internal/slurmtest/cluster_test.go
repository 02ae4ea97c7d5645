//go:build unix

package slurmtest

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// cluster is a Slurm of one node with two processors, on the loopback interface, in a folder of its own.
type cluster struct {
	t    *testing.T
	dir  string
	node string
}

// conf needs the folder, the user, a port for each daemon, and the host's name. Without the first line, Slurm would look for a
// network.
const conf = `CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ClusterName=settle
SlurmctldHost=%[5]s(127.0.0.1)
SlurmUser=%[2]s
SlurmdUser=%[2]s
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.sock
SlurmctldPort=%[3]d
SlurmdPort=%[4]d
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/slurmd.pid
SlurmctldLogFile=%[1]s/slurmctld.log
SlurmdLogFile=%[1]s/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
NodeName=%[5]s NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=%[5]s Default=YES MaxTime=INFINITE State=UP
`

// start starts munged, slurmctld and slurmd, or skips where they are not; with SETTLE_FULL that is a failure.
func start(t *testing.T) *cluster {
	t.Helper()
	for _, name := range []string{"slurmctld", "slurmd", "munged", "sbatch"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("SETTLE_FULL") != "" {
				t.Fatalf("no %s, and SETTLE_FULL is set", name)
			}
			t.Skipf("no %s here: Debian's packages slurmctld, slurmd, slurm-client and munge have all that is needed", name)
		}
	}
	dir, err := os.MkdirTemp("", "slurm") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	c := &cluster{t, dir, host}
	key := make([]byte, 128)
	rand.Read(key)
	c.write("munge.key", string(key))
	c.write("slurm.conf", fmt.Sprintf(conf, dir, me.Username, freePort(t), freePort(t), host))
	for _, sub := range []string{"state", "spool"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	c.daemon("munged", "--foreground", "--force", "--key-file="+in("munge.key"), "--socket="+in("munge.sock"), "--pid-file="+in("munge.pid"),
		"--log-file="+in("munge.log"), "--seed-file="+in("munge.seed"))
	c.wait("munged", 10*time.Second, func() bool { _, err := os.Stat(in("munge.sock")); return err == nil })
	c.daemon("slurmctld", "-D", "-f", in("slurm.conf"))
	c.daemon("slurmd", "-D", "-N", host, "-f", in("slurm.conf"))
	c.wait("an idle node", 30*time.Second, func() bool {
		out, _ := c.command("sinfo", "--noheader", "--format=%T").CombinedOutput()
		return strings.TrimSpace(string(out)) == "idle"
	})
	return c
}

func (c *cluster) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// freePort is one that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// daemon starts a program that ends with the test. What it prints is shown where the test fails.
func (c *cluster) daemon(name string, args ...string) {
	c.t.Helper()
	cmd := c.command(name, args...)
	out, err := os.Create(filepath.Join(c.dir, name+".out"))
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		out.Close()
		if c.t.Failed() {
			for _, log := range []string{name + ".out", name + ".log"} {
				text, _ := os.ReadFile(filepath.Join(c.dir, log))
				c.t.Logf("%s:\n%s", log, text[max(0, len(text)-4000):])
			}
		}
	})
}

// command prepares a command of the cluster, or of what submits to it.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(c.dir, "slurm.conf"))
	return cmd
}

// run runs a command and returns its standard output.
func (c *cluster) run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.command(name, args...).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			c.t.Fatalf("%s %q: %v: %s", name, args, err, exit.Stderr)
		}
		c.t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

// wait waits for something to be so.
func (c *cluster) wait(what string, most time.Duration, so func() bool) {
	c.t.Helper()
	for end := time.Now().Add(most); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("no %s after %s", what, most)
		}
	}
}
