// Package kubernetestest reads the manifests that settle writes with Kubernetes' own types, of which its published schema is
// made. It is a module of its own, so that users of settle do not depend on those, and holds nothing but tests.
package kubernetestest
