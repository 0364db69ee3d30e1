// Package migtest enumerates what MIG allows, for tests that hold an algorithm to every
// state a GPU can be in. It uses nothing but what package mig exports, so that what it
// counts is a second opinion on mig.Count.
package migtest
