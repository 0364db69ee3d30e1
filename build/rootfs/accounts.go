package rootfs

import "fmt"

// NonRoot is the number of the user and of the group as which programs run that need no
// rights of their own.
const NonRoot = 65532

// AddAccounts adds the users root, nobody and nonroot, a /tmp, and the order in which names
// of hosts are looked up.
func (r Root) AddAccounts() {
	r.AddFile("etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/root:/sbin/nologin\n"+
		"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/home/nonroot:/sbin/nologin\n", NonRoot, NonRoot))
	r.AddFile("etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\nnobody:x:65534:\nnonroot:x:%d:\n", NonRoot))
	r.AddFile("etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	r.AddFolder("tmp", 0o1777)
}
