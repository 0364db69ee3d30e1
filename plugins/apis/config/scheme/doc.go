// Package scheme registers the arguments of Ashlar's plugins with the scheduler's scheme,
// which decodes configuration files. It is imported for that effect alone.
package scheme
