// Package browsertest opens what settle writes in a real browser. It is a module of its own, so that users of settle do
// not depend on the browser's driver, and holds nothing but tests.
package browsertest
