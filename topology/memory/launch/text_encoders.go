package launch

import "github.com/ashlar-dev/ashlar/topology/memory"

var (
	teiServer      = &serverProgram{server: "text-embeddings-inference", engine: memory.TEI, dialect: teiDialect()}
	infinityServer = &serverProgram{server: "infinity", engine: memory.Infinity, dialect: infinityDialect()}
	// plainTriton is Triton where an annotation or --engine names it: its settings are in files.
	plainTriton   = &serverProgram{server: "triton", engine: memory.Triton, dialect: &flagDialect{lenient: true}}
	whisperServer = &serverProgram{server: "faster-whisper", engine: memory.CTranslate2, dialect: &flagDialect{lenient: true}}
)

// teiDialect is text-embeddings-router's command line (text-embeddings-inference v1.8, router/src/main.rs). A flag stands
// above its environment variable.
func teiDialect() *flagDialect {
	d := &flagDialect{begin: requireModelFlag("--model-id"), lenient: true}
	d.settings = []flagSetting{
		{names: []string{"--model-id"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"--dtype"}, fields: []Field{FieldDtype}, read: readDtype},
		countSetting(FieldMaxBatchedTokens, 1, maxTokens, "--max-batch-tokens"),
		countSetting(FieldMaxSequences, 1, maxTokens, "--max-batch-requests"),
	}
	for i := range d.settings {
		d.settings[i].env = envName(d.settings[i].names[0])
	}
	return d.withIndex()
}

// infinityDialect is infinity_emb v2's command line (libs/infinity_emb/infinity_emb/cli.py). Of several models the first
// is read.
func infinityDialect() *flagDialect {
	d := &flagDialect{words: 1, begin: requireModelFlag("--model-id"), lenient: true}
	d.settings = []flagSetting{
		{names: []string{"--model-id", "--model-name-or-path"}, fields: []Field{FieldModel}, read: readModel},
		{names: []string{"--dtype"}, fields: []Field{FieldDtype}, read: readDtype},
		countSetting(FieldMaxSequences, 1, maxTokens, "--batch-size"),
	}
	for i := range d.settings {
		d.settings[i].env = "INFINITY_" + envName(d.settings[i].names[0])
	}
	return d.withIndex()
}
