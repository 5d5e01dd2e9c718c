import { strict as assert } from "node:assert";
import type { HostConfig } from "../../api_types/mod.ts";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { prepareSources } from "../containers/mount_sources.ts";
import { requestedMounts } from "./mounts.ts";

const mountsOf = (host: HostConfig) => requestedMounts(host).map(({ mount }) => mount);

function assertRefused(host: HostConfig, code: ErrorCode, message: RegExp): void {
  assert.throws(() => requestedMounts(host), (thrown) => {
    assert.ok(isTsdError(thrown, code), String(thrown));
    assert.match(thrown.message, message);
    return true;
  }, JSON.stringify(host));
}

Deno.test("-v: source, target, options", () => {
  assert.deepEqual(mountsOf({ Binds: ["/a:/b", "/a:/c:ro", "/a:/d:rw,rslave,z", "/a//b/:/x//./y/"] }), [
    { kind: "bind", source: "/a", target: "/b", readOnly: false },
    { kind: "bind", source: "/a", target: "/c", readOnly: true },
    { kind: "bind", source: "/a", target: "/d", readOnly: false, propagation: "rslave" },
    { kind: "bind", source: "/a//b/", target: "/x/y", readOnly: false },
  ]);
});

Deno.test("--mount and --tmpfs", () => {
  assert.deepEqual(
    mountsOf({
      Mounts: [
        { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions: { NonRecursive: true } },
        { Type: "bind", Source: "/a", Target: "/c", BindOptions: { Propagation: "shared" } },
        { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 4096, Mode: 0o1777 } },
      ],
      Tmpfs: { "/u": "", "/v": "rw,size=1m" },
    }),
    [
      { kind: "bind", source: "/a", target: "/b", readOnly: true, recursive: false },
      { kind: "bind", source: "/a", target: "/c", readOnly: false, propagation: "shared" },
      { kind: "tmpfs", target: "/t", options: ["size=4096", "mode=1777"] },
      { kind: "tmpfs", target: "/u", options: [] },
      { kind: "tmpfs", target: "/v", options: ["rw", "size=1m"] },
    ],
  );
});

Deno.test("images are mounted read-only, whatever is requested", () => {
  const [whole, part] = requestedMounts({
    Mounts: [
      { Type: "image", Source: "app:1", Target: "/a/" },
      { Type: "image", Source: "app", Target: "/b", ReadOnly: false, ImageOptions: { Subpath: "usr/share" } },
    ],
  });
  const mount = { kind: "image", source: "", readOnly: true };
  const rest = { createSource: false, mode: "" };
  assert.deepEqual(whole, { mount: { ...mount, target: "/a" }, ...rest, image: { name: "app:1" } });
  assert.deepEqual(part, {
    ...{ mount: { ...mount, target: "/b" }, ...rest },
    image: { name: "app", subpath: "usr/share" },
  });
});

Deno.test("volumes: copy-up, also into a subpath, unless nocopy is given", () => {
  for (const [VolumeOptions, copies] of [[{}, true], [{ Subpath: "a" }, true], [{ NoCopy: true }, false]] as const) {
    const mount = { Type: "volume", Source: "data", Target: "/d", VolumeOptions } as const;
    assert.equal(requestedMounts({ Mounts: [mount] })[0]!.volume!.copies, copies, JSON.stringify(VolumeOptions));
  }
});

Deno.test("volumes: named, anonymous, subpaths, and properties of new ones", () => {
  const options = { NoCopy: true, Subpath: "a/b", Labels: { x: "y" }, DriverConfig: { Options: { o: "ro" } } };
  const found = requestedMounts({
    VolumeDriver: "odd",
    Binds: ["data:/a:ro,nocopy", "/b"],
    Mounts: [
      { Type: "volume", Target: "/c" },
      { Type: "volume", Source: "data", Target: "/d", ReadOnly: true, VolumeOptions: options },
    ],
  });
  assert.deepEqual(
    found.map(({ mount, volume, mode, wish }) => ({ ...mount, ...volume, mode, ...wish })),
    [
      {
        name: "data",
        isAnonymous: false,
        copies: false,
        target: "/a",
        readOnly: true,
        mode: "ro,nocopy",
        driver: "odd",
      },
      { name: "", isAnonymous: true, copies: true, target: "/b", readOnly: false, mode: "z", driver: "odd" },
      {
        ...{ name: "", isAnonymous: true, copies: true, target: "/c", readOnly: false, mode: "z", driver: undefined },
        ...{ labels: undefined, options: undefined },
      },
      {
        ...{ name: "data", isAnonymous: false, copies: false, subpath: "a/b", target: "/d", readOnly: true, mode: "z" },
        ...{ driver: undefined, labels: { x: "y" }, options: { o: "ro" } },
      },
    ].map((each) => ({ kind: "volume", source: "", ...each })),
  );
});

Deno.test("-v creates its source, --mount only if requested", () => {
  const made = requestedMounts({
    Binds: ["/a:/b"],
    Mounts: [
      { Type: "bind", Source: "/a", Target: "/c" },
      { Type: "bind", Source: "/a", Target: "/d", BindOptions: { CreateMountpoint: true } },
    ],
  });
  assert.deepEqual(made.map(({ createSource }) => createSource), [true, false, true]);
});

Deno.test("invalid mounts are refused with the reason", () => {
  const cases: [HostConfig, ErrorCode, RegExp][] = [
    [{ Binds: ["/a:/b:ro:x"] }, "invalid_argument", /^invalid volume specification: '\/a:\/b:ro:x'$/],
    [{ Binds: ["/a:b"] }, "invalid_argument", /type "bind": invalid mount path: 'b' mount path must be absolute$/],
    [{ Binds: ["/a:/"] }, "invalid_argument", /invalid specification: destination can't be '\/'$/],
    [{ Binds: ["/a:/x/.."] }, "invalid_argument", /destination can't be '\/'$/],
    [{ Binds: ["/a:/b:sometimes"] }, "invalid_argument", /^invalid mode: sometimes$/],
    [{ Binds: ["/a:/b:ro,rw"] }, "invalid_argument", /^invalid mode: ro,rw$/],
    [{ Binds: ["/a:ro"] }, "invalid_argument", /^invalid volume specification: '\/a:ro'$/],
    [{ Binds: [":/b"] }, "invalid_argument", /^invalid volume specification: ':\/b'$/],
    [{ Binds: ["./a:/b"] }, "invalid_argument", /^create \.\/a: "\.\/a" includes invalid characters/],
    [{ Binds: ["/a:/b", "/c:/b/"] }, "invalid_argument", /Duplicate mount point: \/b/],
    [{ Binds: ["/a:/b"], Tmpfs: { "/b": "" } }, "invalid_argument", /Duplicate mount point: \/b/],
    [{ Binds: ["a:/b"] }, "invalid_argument", /^create a: volume name is too short/],
    [{ Binds: ["named:/b:rslave"] }, "invalid_argument", /^invalid volume specification: .* on mount type "volume"$/],
    [{ Binds: ["b"] }, "invalid_argument", /^invalid volume specification: 'b': .*"volume": invalid mount path: 'b'/],
    [{ Mounts: [{ Type: "bind", Source: "a", Target: "/b" }] }, "invalid_argument", /mount path must be absolute/],
    [{ Mounts: [{ Type: "bind", Target: "/b" }] }, "invalid_argument", /field Source must not be empty/],
    [{ Mounts: [{ Type: "bind", Source: "/b" }] }, "invalid_argument", /field Target must not be empty/],
    [{ Mounts: [{ Type: "npipe", Source: "v", Target: "/b" }] }, "not_implemented", /--mount type=npipe/],
    [{ Mounts: [{ Type: "image", Target: "/b" }] }, "invalid_argument", /"image": field Source must not be empty$/],
    [
      { Mounts: [{ Type: "image", Source: "v", Target: "/b", ImageOptions: { Subpath: "../x" } }] },
      "invalid_argument",
      /^invalid mount config for type "image": subpath must be a relative path within the volume$/,
    ],
    [
      { Mounts: [{ Type: "image", Source: "v", Target: "/b", VolumeOptions: { Subpath: "x" } }] },
      "invalid_argument",
      /^VolumeOptions must not be specified on mount type "image"$/,
    ],
    ...[[["odd"], "invalid option: odd"], [[], "invalid option array length"], [["exec", "a", "b"], "array length"]]
      .map((
        [option, why],
      ): [HostConfig, ErrorCode, RegExp] => [
        { Mounts: [{ Type: "tmpfs", Target: "/b", TmpfsOptions: { Options: [option as string[]] } }] },
        "invalid_argument",
        new RegExp(`"tmpfs": .*${why}`),
      ]),
    [
      {
        Mounts: [{
          ...{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true },
          BindOptions: { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true },
        }],
      },
      "invalid_argument",
      /^mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive$/,
    ],
    [
      { Mounts: [{ Type: "volume", Target: "/b", ReadOnly: true }] },
      "invalid_argument",
      /ReadOnly mode when using anon/,
    ],
    [
      { Mounts: [{ Type: "volume", Target: "/b", VolumeOptions: { Subpath: "x" } }] },
      "invalid_argument",
      /must not set Subpath when using anonymous volumes$/,
    ],
    ...["../x", "/x", "a/../../x"].map((Subpath): [HostConfig, ErrorCode, RegExp] => [
      { Mounts: [{ Type: "volume", Source: "data", Target: "/b", VolumeOptions: { Subpath } }] },
      "invalid_argument",
      /subpath must be a relative path within the volume$/,
    ]),
    [{ Mounts: [{ Type: "odd" as "bind", Target: "/b" }] }, "invalid_argument", /type "odd": mount type unknown$/],
    [{ Mounts: [{ Type: "tmpfs", Source: "/a", Target: "/b" }] }, "invalid_argument", /Source must not be specified/],
    [{ Mounts: [{ Type: "bind", Target: "/b" }] }, "invalid_argument", /"bind": field Source must not be empty$/],
    [{ Mounts: [{ Type: "bind", Source: "/a" }] }, "invalid_argument", /"bind": field Target must not be empty$/],
    [
      { Mounts: [{ Type: "tmpfs", Target: "/../" }] },
      "invalid_argument",
      /^invalid mount config for type "tmpfs": invalid specification: destination can't be '\/'$/,
    ],
    [
      { Mounts: [{ Type: "bind", Source: "/a", Target: "/b", BindOptions: { Propagation: "odd" as "shared" } }] },
      "invalid_argument",
      /^invalid mount config for type "bind": invalid propagation mode: odd$/,
    ],
    [
      { Mounts: [{ Type: "tmpfs", Target: "/b", BindOptions: { NonRecursive: true } }] },
      "invalid_argument",
      /^BindOptions must not be specified on mount type "tmpfs"$/,
    ],
    [
      { Mounts: [{ Type: "odd" as "bind", Source: "/a", Target: "/b" }] },
      "invalid_argument",
      /^invalid mount config for type "odd": mount type unknown$/,
    ],
    [{ Tmpfs: { "relative": "" } }, "invalid_argument", /^invalid mount path: 'relative' mount path must be absolute$/],
  ];
  for (const [host, code, message] of cases) assertRefused(host, code, message);
});

Deno.test("missing sources are created, or reported", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await prepareSources(requestedMounts({ Binds: [`${dir}/new/folder:/b`], Tmpfs: { "/t": "" } }));
    assert.ok((await Deno.stat(`${dir}/new/folder`)).isDirectory);
    await Deno.writeTextFile(`${dir}/file`, "kept");
    await Deno.symlink("/nowhere", `${dir}/dangling`);
    await prepareSources(requestedMounts({ Binds: [`${dir}/file:/a`, `${dir}/dangling:/b`] }));
    assert.equal(await Deno.readTextFile(`${dir}/file`), "kept");
    const missing = requestedMounts({ Mounts: [{ Type: "bind", Source: `${dir}/none`, Target: "/b" }] });
    await assert.rejects(
      prepareSources(missing),
      (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message.endsWith(`does not exist: ${dir}/none`),
    );
    await assert.rejects(
      prepareSources(requestedMounts({ Binds: [`${dir}/file/below:/b`] })),
      (thrown) =>
        isTsdError(thrown, "invalid_argument") &&
        thrown.message.startsWith(`error while creating mount source path '${dir}/file/below': `),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
