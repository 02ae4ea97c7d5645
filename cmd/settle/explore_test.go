package main

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/settle-pc/settle/web"
)

// TestExplorerSaysWhoMayAsk: on loopback its own names, elsewhere who has the token.
func TestExplorerSaysWhoMayAsk(t *testing.T) {
	for _, c := range []struct {
		at, url string
		loop    bool
	}{
		{"127.0.0.1:5", "http://127.0.0.1:5/", true}, {"[::1]:5", "http://[::1]:5/", true}, {"127.9.9.9:5", "http://127.9.9.9:5/", true},
		{"0.0.0.0:5", "http://127.0.0.1:5/?token=", false}, {"[::]:5", "http://127.0.0.1:5/?token=", false}, {"192.168.1.2:5", "http://192.168.1.2:5/?token=", false},
	} {
		at, err := net.ResolveTCPAddr("tcp", c.at)
		if err != nil {
			t.Fatal(err)
		}
		var opts web.Options
		url := locate(at, &opts)
		if !strings.HasPrefix(url, c.url) || (len(url) == len(c.url)) != c.loop || (opts.Token == "") != c.loop || (len(opts.Hosts) > 0) != c.loop {
			t.Errorf("%s: %s, %+v", c.at, url, opts)
		}
		if c.loop && (!slices.Contains(opts.Hosts, c.at) || !slices.Contains(opts.Hosts, "localhost:5") || slices.Contains(opts.Hosts, "localhost:6")) {
			t.Errorf("%s: hosts %q", c.at, opts.Hosts)
		}
		if !c.loop && (len(opts.Token) < 20 || !strings.HasSuffix(url, opts.Token)) {
			t.Errorf("%s: token %q", c.at, opts.Token)
		}
	}
}
