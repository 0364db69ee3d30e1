package scenario

// reset begins anew with a cluster without nodes, for a file that tells several stories.
//
// Example:
//
//	reset
func (e *Environment) reset(*arguments, []string) (string, error) {
	*e = *NewEnvironment()
	return "", nil
}
