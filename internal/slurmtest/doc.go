// Package slurmtest runs a sweep on a real Slurm of one node. It holds nothing but the test.
package slurmtest
