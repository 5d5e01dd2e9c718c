import { strict as assert } from "node:assert";
import { parseSecurityOptions } from "./security_options.ts";

const PLAIN = { appArmor: false };

Deno.test("security options: what each one means", () => {
  const of = (...options: string[]) => parseSecurityOptions(options, false, PLAIN);
  assert.deepEqual(of(), { seccomp: "default" });
  assert.deepEqual(parseSecurityOptions([], true, PLAIN), { seccomp: "unconfined" });
  assert.deepEqual(of("no-new-privileges", "seccomp=unconfined"), { noNewPrivileges: true, seccomp: "unconfined" });
  assert.deepEqual(of("no-new-privileges=false", "seccomp:builtin"), { noNewPrivileges: false, seccomp: "default" });
  assert.deepEqual(of("systempaths=unconfined"), { seccomp: "default", maskedPaths: [], readonlyPaths: [] });
  assert.deepEqual(of("writable-cgroups"), { seccomp: "default", writableCgroups: true });
  assert.deepEqual(of("writable-cgroups=false"), { seccomp: "default", writableCgroups: false });
  assert.deepEqual(of("label=disable", "apparmor=unconfined"), { seccomp: "default" });
  const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] };
  assert.deepEqual(of(`seccomp=${JSON.stringify(profile)}`), { seccomp: profile });
});

Deno.test("security options: AppArmor's profiles where the kernel has AppArmor", () => {
  assert.deepEqual(parseSecurityOptions(["apparmor=mine"], false, { appArmor: true }), {
    seccomp: "default",
    apparmorProfile: "mine",
  });
  assert.throws(() => parseSecurityOptions(["apparmor=mine"], false, PLAIN), {
    code: "not_implemented",
    message: /AppArmor is not enabled in this machine's kernel, so there is no profile mine$/,
  });
});

Deno.test("security options: others are refused", () => {
  for (const option of ["nonsense", "seccomp2=a", "no-new-privileges=maybe", "systempaths=odd", "writable-cgroups=x"]) {
    assert.throws(() => parseSecurityOptions([option], false, PLAIN), {
      code: "invalid_argument",
      message: `invalid --security-opt 2: ${JSON.stringify(option)}`,
    });
  }
});
