// Package manifests holds what an administrator applies, and lets programs read the
// parts that they must agree with from the same files.
package manifests
