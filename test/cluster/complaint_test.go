package cluster

import "testing"

func TestComplaint(t *testing.T) {
	cases := map[string]struct{ log, want string }{
		"nothing": {"", ""},
		"klog, the error among other lines": {
			"I1121 20:17:11.792470   20808 options.go:263] external host was not specified\n" +
				"E1121 20:17:11.792802   20808 run.go:72] \"command failed\" err=\"port is taken\"\n",
			`"command failed" err="port is taken"`,
		},
		"etcd, without the stack trace": {
			`{"level":"warn","ts":"2026-11-21T20:17:13Z","msg":"not recommended"}` + "\n" +
				`{"level":"fatal","ts":"2026-11-21T20:17:13Z","msg":"discovery failed","error":"port is taken","stacktrace":"main.main\n\tmain.go:35"}`,
			"discovery failed: port is taken",
		},
		"KWOK": {
			`{"time":"2026-11-21T20:17:13Z","level":"ERROR","source":{"line":42},"msg":"Init config flags","err":"no such file"}`,
			"Init config flags: no such file",
		},
		"usage after a wrong flag": {
			"flag provided but not defined: -colour\nUsage:\n\n  etcd [flags]\n    Start an etcd server.\n",
			"flag provided but not defined: -colour",
		},
		"a panic": {
			"starting\npanic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n",
			"panic: assignment to entry in nil map",
		},
		"no errors": {"one\ntwo\n\nthree\nfour\n", "two\nthree\nfour"},
		"many errors": {
			"error: 1\nerror: 2\nerror: 3\nerror: 4\n", "error: 2\nerror: 3\nerror: 4",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := firstComplaint(tc.log); got != tc.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}
