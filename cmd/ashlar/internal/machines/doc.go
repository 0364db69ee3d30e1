// Package machines is ashlar topology: it shows what the catalogue knows of machines,
// GPU models and MIG, tries choices out, and makes machine types of captures.
// CatalogueFlags are for all commands that know machines.
package machines
