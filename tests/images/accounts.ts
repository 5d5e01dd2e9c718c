/** /etc/passwd and /etc/group of the small images: root, daemon, nobody, and `app` with UID 1000. */

export const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
  "app:x:1000:1000:An ordinary user:/home/app:/bin/sh",
  "",
].join("\n");

/** `app` is also a member of `wheel` (2000). */
export const GROUP = [
  "root:x:0:",
  "daemon:x:1:",
  "nogroup:x:65534:",
  "app:x:1000:",
  "wheel:x:2000:app",
  "",
].join("\n");
