// Package scenariofile reads scenarios from YAML, and says where in the file each thing
// is that is wrong.
package scenariofile
