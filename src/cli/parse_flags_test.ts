import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { FlagSpecs } from "./flags.ts";
import { parseFlags } from "./parse_flags.ts";
import { UsageError } from "./usage_error.ts";

const SPECS = {
  detach: { type: "bool", short: "d", help: "" },
  interactive: { type: "bool", short: "i", help: "" },
  tty: { type: "bool", short: "t", help: "" },
  proxy: { type: "bool", default: true, help: "" },
  env: { type: "list", short: "e", help: "" },
  name: { type: "string", help: "" },
  network: { type: "string", aliases: ["net"], default: "bridge", help: "" },
  last: { type: "int", short: "n", default: -1, help: "" },
} satisfies FlagSpecs;

const parse = (...argv: string[]) => parseFlags(SPECS, argv);

function refusal(...argv: string[]): string {
  try {
    parse(...argv);
  } catch (thrown) {
    assert(thrown instanceof UsageError);
    assert.equal(thrown.exitCode, 125);
    return thrown.didYouMean === undefined ? thrown.message : `${thrown.message} -> ${thrown.didYouMean}`;
  }
  assert.fail(`${argv.join(" ")} was accepted`);
}

Deno.test("flags: values are parsed in every notation", () => {
  for (
    const argv of [["-e", "A=b"], ["-eA=b"], ["-e=A=b"], ["--env", "A=b"], ["--env=A=b"], ["-ite", "A=b"], ["-iteA=b"]]
  ) {
    assert.deepEqual(parse(...argv).flags.env, ["A=b"], argv.join(" "));
  }
  const { flags, args } = parse("-it", "--proxy=false", "--net", "host", "-n", "-3", "-e", "A", "--env", "", "--name=");
  assert.deepEqual(args, []);
  assert.deepEqual(flags, {
    detach: false,
    interactive: true,
    tty: true,
    proxy: false,
    env: ["A", ""],
    name: "",
    network: "host",
    last: -3,
  });
});

Deno.test("flags: flags that were not given have their defaults", () => {
  assert.deepEqual(parse().flags, {
    detach: false,
    interactive: false,
    tty: false,
    proxy: true,
    env: [],
    name: undefined,
    network: "bridge",
    last: -1,
  });
});

Deno.test("flags: flags can follow arguments, except with flagsFirst", () => {
  assert.deepEqual(parse("a", "-d", "b").args, ["a", "b"]);
  assert.equal(parse("a", "-d", "b").flags.detach, true);
  const first = parseFlags(SPECS, ["-d", "image", "ls", "-i", "--help", "--", "x"], { flagsFirst: true });
  assert.deepEqual(first.args, ["image", "ls", "-i", "--help", "--", "x"]);
  assert.deepEqual([first.flags.detach, first.flags.interactive, first.help], [true, false, false]);
});

Deno.test("flags: -- ends the flags, and - is an argument", () => {
  assert.deepEqual(parse("-d", "--", "-i", "--").args, ["-i", "--"]);
  assert.deepEqual(parse("-", "-d").args, ["-"]);
});

Deno.test("flags: -h is --help unless a flag has that letter", () => {
  assert.equal(parse("--help", "--nonsense").help, true);
  assert.equal(parse("-h").help, true);
  assert.equal(parseFlags({ hostname: { type: "string", short: "h", help: "" } }, ["-h", "x"]).flags.hostname, "x");
});

Deno.test("flags: error messages are pflag's", () => {
  assert.equal(refusal("--detatch"), "unknown flag: --detatch -> --detach");
  assert.equal(refusal("--zzzzzz=1"), "unknown flag: --zzzzzz");
  assert.equal(refusal("-dx"), "unknown shorthand flag: 'x' in -dx");
  assert.equal(refusal("--name"), "flag needs an argument: --name");
  assert.equal(refusal("-de"), "flag needs an argument: 'e' in -de");
  assert.equal(refusal("---x"), "bad flag syntax: ---x");
  assert.equal(
    refusal("-d=maybe"),
    'invalid argument "maybe" for "-d, --detach" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  );
  assert.equal(
    refusal("-nx"),
    'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax',
  );
  assert.equal(
    refusal("--last", "99999999999999999999"),
    'invalid argument "99999999999999999999" for "-n, --last" flag: strconv.ParseInt: parsing "99999999999999999999": ' +
      "value out of range",
  );
});

Deno.test("flags: custom notations are parsed, values are normalized, and unsupported flags are refused", () => {
  const even = (text: string) => {
    if (Number(text) % 2 !== 0) throw new UsageError("it is odd");
    return Number(text);
  };
  const specs = {
    even: { type: "number", short: "e", valueName: "number", read: even, help: "" },
    lower: { type: "list", check: (text: string) => text.toLowerCase(), help: "" },
    later: { type: "refused", hidden: true, takesValue: true, short: "l", help: "" },
    never: { type: "refused", hidden: true, takesValue: false, help: "nobody wants it" },
  } as const satisfies FlagSpecs;
  const { flags, args } = parseFlags(specs, ["-e4", "--lower", "A", "--even", "6", "--lower=B", "x"]);
  assert.deepEqual([{ ...flags }, args], [{ even: 6, lower: ["a", "b"], later: undefined, never: undefined }, ["x"]]);
  const refused: readonly (readonly [string, string])[] = [
    ["-e 3", 'invalid argument "3" for "-e, --even" flag: it is odd'],
    ["--later x", "--later is not supported yet"],
    ["-lx", "--later is not supported yet"],
    ["--never", "--never is not supported: nobody wants it"],
    ["--later", "flag needs an argument: --later"],
  ];
  for (const [line, message] of refused) assert.throws(() => parseFlags(specs, line.split(" ")), { message });
});

Deno.test("flags: values round-trip in every spelling and order", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "=", "-", " ", "é"), maxLength: 6 });
  const given = fc.oneof(
    fc.record({ flag: fc.constant("env" as const), value: word, spelling: fc.nat(4) }),
    fc.record({ flag: fc.constant("detach" as const), value: fc.boolean(), spelling: fc.nat(2) }),
    fc.record({ flag: fc.constant("arg" as const), value: word.map((text) => `x${text}`), spelling: fc.constant(0) }),
  );
  fc.assert(fc.property(fc.array(given), fc.array(word), (list, rest) => {
    const argv = list.flatMap(({ flag, value, spelling }) => {
      if (flag === "arg") return [String(value)];
      if (flag === "detach") return [[`--detach=${value}`], [`-d=${value}`], [value ? "-d" : "--detach=f"]][spelling];
      return [[`--env=${value}`], ["--env", `${value}`], ["-e", `${value}`], [`-e=${value}`], [
        `-die=${value}`,
        "-d=0",
      ]][
        spelling
      ];
    });
    const { args, flags } = parse(...argv, "--", ...rest);
    const of = (name: string) => list.filter(({ flag }) => flag === name).map(({ value }) => value);
    assert.deepEqual(args, [...of("arg"), ...rest]);
    assert.deepEqual(flags.env, of("env"));
    // The last spelling of --env is followed by -d=0, which turns -d off.
    const switches = list.filter(({ flag, spelling }) => flag === "detach" || (flag === "env" && spelling === 4));
    const last = switches.at(-1);
    assert.equal(flags.detach, last?.flag === "detach" ? last.value : false);
  }));
});

Deno.test("flags: every command line is parsed or refused with a UsageError", () => {
  const word = fc.string({ unit: fc.constantFrom("-", "=", "d", "e", "h", "n", "1", "name"), maxLength: 6 });
  fc.assert(fc.property(fc.array(word), fc.boolean(), (argv, flagsFirst) => {
    try {
      parseFlags(SPECS, argv, { flagsFirst });
    } catch (thrown) {
      assert(thrown instanceof UsageError);
    }
  }));
});
