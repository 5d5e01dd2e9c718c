/// <reference lib="deno.unstable" />
/**
 * Rules of one kind: a global that reaches outside the program (environment, terminal, exit, native code, processes)
 * may only be used in certain modules, so that everything else can be tested and embedded. Development code is exempt.
 */
import { isAtHome, isDevelopment, projectPath } from "./project_path.ts";

interface HomeRule {
  /** Global object and member; without a member, the object itself. */
  readonly uses: ReadonlyArray<readonly [object: string, member?: string]>;
  /** Modules that give the same access. */
  readonly modules?: readonly string[];
  readonly homes: readonly string[];
  readonly hint: string;
}

const ENTRIES = ["mod.ts", "src/serve.ts", "src/plugins/host/main.ts"];

const HOME_RULES: Readonly<Record<string, HomeRule>> = {
  "no-env-outside-home": {
    uses: [["Deno", "env"], ["process", "env"]],
    homes: [...ENTRIES, "src/cli/", "src/sys/"],
    hint: "Take the value as a parameter; the entry points read the environment.",
  },
  "no-console-outside-home": {
    uses: [["console"]],
    homes: [...ENTRIES, "src/cli/"],
    hint: "The engine writes to a `Log`; commands write to the terminal that src/cli/ hands them.",
  },
  "no-exit-outside-home": {
    uses: [["Deno", "exit"], ["process", "exit"]],
    homes: [...ENTRIES, "src/cli/"],
    hint: "Throw a TsdError; the entry point knows its exit code.",
  },
  "no-dlopen-outside-home": {
    uses: [["Deno", "dlopen"], ["Deno", "UnsafePointer"], ["Deno", "UnsafeFnPointer"]],
    homes: ["src/sys/"],
    hint: "Native calls are methods of a port in src/sys/, with a fake for tests.",
  },
  "no-command-outside-home": {
    uses: [["Deno", "Command"]],
    modules: ["node:child_process", "child_process"],
    homes: ["mod.ts", "src/cli/"],
    hint: "The engine starts children through ProcessCalls of src/sys/, which leaks no descriptors.",
  },
};

/** The rules of this module by name. */
export const homeRules: Record<string, Deno.lint.Rule> = Object.fromEntries(
  Object.entries(HOME_RULES).map(([name, rule]) => [name, homeRule(rule)]),
);

function homeRule(rule: HomeRule): Deno.lint.Rule {
  return {
    create(context) {
      const path = projectPath(context.filename);
      if (isDevelopment(path) || isAtHome(path, rule.homes)) return {};
      const report = (node: Deno.lint.Node, what: string) =>
        context.report({
          node,
          message: `${what} is used outside its home (${rule.homes.join(", ")})`,
          hint: rule.hint,
        });
      return {
        MemberExpression(node) {
          const used = rule.uses.find(([object, member]) =>
            isGlobal(node.object, object) && (member === undefined || propertyName(node) === member)
          );
          if (used !== undefined) report(node, used.join("."));
        },
        VariableDeclarator(node) {
          if (node.id.type !== "ObjectPattern" || node.init === null) return;
          const { init } = node;
          const names = node.id.properties.map((each) => each.type === "Property" ? nameOf(each.key) : undefined);
          const used = rule.uses.find(([object, member]) =>
            isGlobal(init, object) && (member === undefined || names.includes(member))
          );
          if (used !== undefined) report(node, used.join("."));
        },
        ImportDeclaration(node) {
          if (rule.modules?.includes(node.source.value)) report(node, node.source.value);
        },
      };
    },
  };
}

/** `Deno`, or `globalThis.Deno`. */
function isGlobal(node: Deno.lint.Node, name: string): boolean {
  if (node.type === "Identifier") return node.name === name;
  return node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "globalThis" &&
    propertyName(node) === name;
}

function propertyName(node: Deno.lint.MemberExpression): string | undefined {
  return nameOf(node.property);
}

function nameOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  return node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}
