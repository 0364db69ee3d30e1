// Package checkpoint is the driver's memory of what it prepared for which claim. It
// outlives the driver's process, and says after a crash what may be half done.
//
//	claim.go     Claim and Device: the record of a claim, and its states
//	fields.go    fields that a later version wrote are kept
//	encoding.go  the text of a checkpoint, and what can be read of a damaged one
//	store.go     Store: claims in memory, written to the file before a change returns
//	file.go      writing the file atomically
//	damage.go    setting a file aside that cannot be read, and how to recover
//
// The file has one line of JSON per record: a header, then the claims by uid. The header
// holds a checksum of all of it and each line one of its own, so that of a damaged file
// the claims can be read that are intact.
//
//	{"checksum":"crc32c:…","header":{"version":1,"bootID":"…","claims":1,"sum":"crc32c:…"}}
//	{"checksum":"crc32c:…","claim":{"uid":"…","namespace":"…","name":"…","state":"PrepareCompleted","devices":[…]}}
//
// A later version that only adds fields stays version 1. One that changes the meaning of
// those that there are counts up, and is refused by drivers that do not know it.
package checkpoint
