/** Malicious account files with which an image might read the host's files or make the engine hang. */
import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { MAX_ACCOUNT_FILE_BYTES, rootfsAccountFiles } from "./rootfs_passwd.ts";
import { resolveUser } from "./user.ts";

const PASSWD = "inside:x:5:6::/in:/bin/sh\n";

/** A directory that represents the host, with a container's root filesystem below it. */
class Root implements AsyncDisposable {
  private constructor(readonly host: string) {}

  static async open(): Promise<Root> {
    const host = await Deno.makeTempDir({ prefix: "tsd-accounts-" });
    await Deno.mkdir(`${host}/root/etc`, { recursive: true });
    await Deno.writeTextFile(`${host}/passwd`, "outside:x:1:1::/:/\n");
    return new Root(host);
  }

  get path(): string {
    return `${this.host}/root`;
  }

  resolve(user: string) {
    return resolveUser(user, rootfsAccountFiles(this.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.host, { recursive: true });
  }
}

Deno.test("account files below the root are read", async () => {
  await using root = await Root.open();
  await Deno.writeTextFile(`${root.path}/etc/passwd`, PASSWD);
  await Deno.writeTextFile(`${root.path}/etc/group`, "more:x:9:inside\n");
  assert.deepEqual(root.resolve("inside"), { user: { uid: 5, gid: 6, additionalGids: [6, 9] }, home: "/in" });
});

Deno.test("missing files and directories are treated as empty", async () => {
  await using root = await Root.open();
  assert.equal(root.resolve("12").user.uid, 12);
  await Deno.remove(`${root.path}/etc`);
  assert.equal(root.resolve("12").user.uid, 12);
  await Deno.writeTextFile(`${root.path}/etc`, "a file");
  assert.equal(root.resolve("12").user.uid, 12);
});

Deno.test("symbolic links are resolved inside the root", async () => {
  await using root = await Root.open();
  await Deno.writeTextFile(`${root.path}/accounts`, PASSWD);
  for (const target of ["/accounts", "../../../../accounts"]) {
    await Deno.symlink(target, `${root.path}/etc/passwd`);
    assert.equal(root.resolve("inside").user.uid, 5, target);
    await Deno.remove(`${root.path}/etc/passwd`);
  }
  for (const target of [`${root.host}/passwd`, "../../passwd", "/proc/self/root/etc/passwd"]) {
    await Deno.symlink(target, `${root.path}/etc/passwd`);
    assert.throws(() => root.resolve("outside"), { code: "user_unknown" }, target);
    assert.throws(() => root.resolve("daemon"), { code: "user_unknown" }, target);
    await Deno.remove(`${root.path}/etc/passwd`);
  }
});

Deno.test("the directory may be a symbolic link too", async () => {
  await using root = await Root.open();
  await Deno.remove(`${root.path}/etc`);
  await Deno.symlink(root.host, `${root.path}/etc`);
  assert.throws(() => root.resolve("outside"), { code: "user_unknown" });
});

Deno.test("a symbolic link loop is rejected", async () => {
  await using root = await Root.open();
  await Deno.symlink("passwd", `${root.path}/etc/passwd`);
  assert.throws(() => root.resolve("x"), {
    message: "Cannot read /etc/passwd of the container: its symbolic links lead in a circle",
  });
});

Deno.test("directories, FIFOs and devices are rejected without opening them", requires("root"), async () => {
  await using root = await Root.open();
  const path = `${root.path}/etc/passwd`;
  const make = [["mkdir", path], ["mkfifo", path], ["mknod", path, "c", "1", "5"]];
  for (const [program, ...args] of make) {
    const { success } = await new Deno.Command(program, { args }).output();
    assert.ok(success, program);
    assert.throws(() => root.resolve("x"), {
      code: "invalid_argument",
      message: "Cannot read /etc/passwd of the container: it is not a regular file",
    }, program);
    await Deno.remove(path);
  }
});

Deno.test("a group file of 100 MiB takes neither memory nor time", async () => {
  await using root = await Root.open();
  await Deno.writeTextFile(`${root.path}/etc/passwd`, PASSWD);
  await Deno.writeTextFile(`${root.path}/etc/group`, "first:x:3:inside\n");
  await Deno.truncate(`${root.path}/etc/group`, 100 * 1024 * 1024);
  const startMs = performance.now();
  assert.throws(() => root.resolve("inside"), {
    code: "invalid_argument",
    message: `Cannot read /etc/group of the container: it is larger than ${MAX_ACCOUNT_FILE_BYTES} bytes`,
  });
  assert.ok(performance.now() - startMs < 2000);
  assert.equal(root.resolve("inside:first").user.gid, 3);
});
