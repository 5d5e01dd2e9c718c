import { strict as assert } from "node:assert";
import type { TsdError } from "../../errors.ts";
import { checkLogConfig, isLogged, type LoggedContainer, logSpec } from "./log_options.ts";

type Options = Readonly<Record<string, string>>;

const check = (config: Options, type = "json-file") => checkLogConfig({ LogConfig: { Type: type, Config: config } });

/** The error of a configuration, as `code: message`. */
function refusal(config: Options, type?: string): string {
  try {
    check(config, type);
  } catch (thrown) {
    const { code, message } = thrown as TsdError;
    return `${code}: ${message}`;
  }
  assert.fail(`${JSON.stringify(config)} was accepted`);
}

const CONTAINER: LoggedContainer = {
  id: "0123456789abcdef".repeat(4),
  name: "web",
  imageId: `sha256:${"fedcba9876543210".repeat(4)}`,
  imageName: "busybox:latest",
  labels: { app: "shop", "com.example.team": "blue", other: "x" },
  env: ["STAGE=prod=1", "EMPTY=", "BARE", "HOME=/root"],
  command: ["sh", "-c", "true"],
};

const spec = (config?: Options) => logSpec("/log", config && { Type: "json-file", Config: config }, CONTAINER);

Deno.test("a log without options is bounded", () => {
  const defaults = { maxSizeBytes: 20_000_000, maxFiles: 5, compress: false, waitForReaders: true, attrs: {} };
  assert.deepEqual(spec(), { path: "/log", ...defaults });
  assert.deepEqual(logSpec("/log", { Type: "", Config: null }, CONTAINER), { path: "/log", ...defaults });
});

Deno.test("sizes and numbers are parsed as in Docker", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ...[["1", 1], ["10k", 10_000], ["10K", 10_000], ["2m", 2_000_000], ["2MB", 2_000_000], [
      "2MiB",
      2_000_000,
    ]] as const,
    ...[["1g", 1e9], ["1.5k", 1500], ["3 kb", 3000], ["1t", 1e12]] as const,
  ];
  for (const [text, bytes] of sizes) {
    check({ "max-size": text });
    assert.deepEqual([text, spec({ "max-size": text }).maxSizeBytes], [text, bytes]);
  }
  assert.equal(spec({ "max-size": "1m" }).maxFiles, 1);
  assert.deepEqual([spec({ "max-file": "3" }).maxSizeBytes, spec({ "max-file": "3" }).maxFiles], [20_000_000, 3]);
});

Deno.test("invalid options are refused with Docker's texts", () => {
  const failed = "invalid_argument: failed to initialize logging driver: ";
  const refusals: readonly (readonly [Options, string])[] = [
    [{ "max-sice": "1m" }, "invalid_argument: unknown log opt 'max-sice' for json-file log driver"],
    [{ toString: "1m" }, "invalid_argument: unknown log opt 'toString' for json-file log driver"],
    [{ "max-size": "x" }, `${failed}invalid size: 'x'`],
    [{ "max-size": "" }, `${failed}invalid size: ''`],
    [{ "max-size": "1 mm" }, `${failed}invalid size: '1 mm'`],
    [{ "max-size": "0" }, `${failed}max-size must be a positive number`],
    [{ "max-size": "-1" }, `${failed}max-size must be a positive number`],
    [{ "max-file": "0" }, `${failed}max-file cannot be less than 1`],
    [{ "max-file": "-2" }, `${failed}max-file cannot be less than 1`],
    [{ "max-file": "1001" }, `${failed}max-file cannot be more than 1000`],
    [{ "max-file": "many" }, `${failed}invalid max-file: "many" is no whole number`],
    [{ compress: "yes" }, `${failed}invalid compress: "yes" is neither true nor false`],
    [
      { compress: "true", "max-size": "1m" },
      `${failed}compress cannot be true when max-file is less than 2 or max-size is not set`,
    ],
    // From a client that does not validate.
    [
      { "max-size": 5 as unknown as string },
      "invalid_argument: Invalid container configuration: log opt 'max-size' must be a text",
    ],
    [{ mode: "fast" }, "invalid_argument: logger: logging mode not supported: fast"],
    [
      { "max-buffer-size": "1m" },
      "invalid_argument: logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [{ "env-regex": "(" }, `${failed}invalid env-regex: Invalid regular expression: /(/: Unterminated group`],
  ];
  for (const [config, text] of refusals) assert.equal(refusal(config), text);
  assert.match(refusal({ "max-buffer-size": "1m", mode: "non-blocking" }), /^not_implemented: /);
});

Deno.test("drivers: json-file and none; Docker's others are unsupported, unknown ones invalid", () => {
  check({}, "");
  check({}, "none");
  checkLogConfig({});
  checkLogConfig({ LogConfig: null });
  assert.equal(refusal({ "max-size": "1m" }, "none"), "invalid_argument: invalid logging opts for driver none");
  assert.equal(
    refusal({}, "nosuch"),
    'invalid_argument: error looking up logging plugin nosuch: plugin "nosuch" not found',
  );
  assert.match(refusal({}, "syslog"), /^not_implemented: .*log driver syslog is not supported yet/);
  assert.deepEqual([isLogged({}), isLogged({ LogConfig: { Type: "none" } })], [true, false]);
});

Deno.test("compression and mode", () => {
  for (const text of ["1", "t", "true", "TRUE"]) assert.equal(spec({ compress: text }).compress, true);
  for (const text of ["0", "f", "false"]) assert.equal(spec({ compress: text, "max-size": "1m" }).compress, false);
  assert.equal(spec({ mode: "non-blocking" }).waitForReaders, false);
  check({ mode: "blocking" });
  assert.equal(spec({ mode: "blocking" }).waitForReaders, true);
});

Deno.test("labels and variables are selected by name and by pattern", () => {
  assert.deepEqual(spec({ labels: "app,nosuch", env: "STAGE,EMPTY,BARE" }).attrs, {
    app: "shop",
    STAGE: "prod=1",
    EMPTY: "",
  });
  assert.deepEqual(spec({ "labels-regex": "^com\\.", "env-regex": "^HO" }).attrs, {
    "com.example.team": "blue",
    HOME: "/root",
  });
});

Deno.test("tags are expanded", () => {
  const tag = (text: string) => {
    check({ tag: text });
    return spec({ tag: text }).attrs.tag;
  };
  assert.equal(tag("{{.Name}}/{{ .ID }} {{.ImageName}} {{.ImageID}}"), "web/0123456789ab busybox:latest fedcba987654");
  assert.equal(tag("{{.FullID}}"), CONTAINER.id);
  assert.equal(tag("{{.ImageFullID}} {{.DaemonName}} {{.Command}}"), `${CONTAINER.imageId} tsd sh -c true`);
  assert.equal(tag("plain"), "plain");
  assert.equal(tag(""), undefined);
  for (const text of ["{{.Nosuch}}", "{{.toString}}", "{{if .ID}}x{{end}}", "a{{"]) {
    assert.match(refusal({ tag: text }), /^invalid_argument: .*invalid tag: \{\{.* is none of \{\{\.ID\}\} /);
  }
});
