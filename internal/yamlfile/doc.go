// Package yamlfile reads YAML that people write: strictly, with the place of everything
// that is wrong, and all of it at once.
//
//	text ──Parse──> documents of Nodes, each with its line and column
//	text ──Read───> one document, decoded into a struct by its json tags, and its Faults
//
// A fault is printed as file:line:column: path: problem, with paths like
// "workloads[2].gpus". JSON is read too, as it is YAML.
//
// The text may come from anybody: its size, depth, mappings and what aliases unfold to are
// bounded before the parser sees it, which recurses and takes quadratic time in places.
// Scalars are resolved here rather than by the library: true and false are the only
// booleans, and "yes" is a string.
package yamlfile
