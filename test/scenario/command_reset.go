package scenario

// resetCluster begins anew with a cluster without nodes, for a file that tells several stories.
//
// Example:
//
//	reset
func (e *Environment) resetCluster(*commandArguments, []string) (string, error) {
	*e = *NewEnvironment()
	return "", nil
}
