// Command settle trains predictive-coding networks, compares them with backpropagation, and checks itself.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
