// Package catalogue is what is known of GPU models, their MIG geometry and
// common machines: the text files beside this source, parsed once.
//
//	models.txt      one row per GPU model
//	prices.txt      what an hour of one GPU costs on demand, where that is public
//	mig/*.txt       one table of MIG profiles per GPU
//	instances.txt   which GPUs the instance types of clouds have
//	machines/*.txt  one machine per file, its link table laid out as
//	                `nvidia-smi topo -m` prints it
//
// The files are meant to be edited by hand: a new machine is one more file. Each
// entry names its source and how far to trust it; a figure that nobody has
// captured says so rather than being invented. Lines that start with # are
// comments. Catalogue.With reads files of the same form that are not part of the
// program.
//
// A machine whose GPUs are always at the same PCI addresses, as those of a cloud are, says
// "addresses captured" if its bus ids were read from one: MachineAt then knows it by them.
//
// Prices change. Those in prices.txt are a default to compare options with, each
// of the day that its row names; callers may put their own in their place.
//
// What Catalogue's methods return is shared and must not be changed.
package catalogue
