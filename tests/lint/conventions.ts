/// <reference lib="deno.unstable" />
/** Rules about the code's content: handled errors, finished work, enabled tests, descriptive names. */
import { isDevelopment, isTest, projectPath } from "./project_path.ts";

const MATCHERS = new Set(["includes", "startsWith", "endsWith", "indexOf", "match", "search"]);
const SWITCHES_OFF = { ignore: true, only: true, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
const INCOMPLETE = /\b(?:TODO|FIXME|XXX|HACK)\b/;
const EMPTY_NAMES = /^(?:types|common|(?:.*_)?(?:utils?|helpers?|misc))$/;
const SNAKE_CASE = /^\.?[a-z0-9_]+(?:\.d)?$/;

/**
 * `catch {}` and `call().catch(() => {})`, which discard errors; a comment inside does not change that. On a stored
 * promise (`ready.catch(() => {})`) it is allowed: it only marks the rejection as handled until a caller awaits the
 * promise.
 */
const noEmptyCatch: Deno.lint.Rule = {
  create(context) {
    const hint = "Handle the error you expect (check its code or errno) and throw the others again.";
    return {
      CatchClause(node) {
        if (node.body.body.length === 0) context.report({ node, message: "This catch swallows every error", hint });
      },
      CallExpression(node) {
        if (node.callee.type !== "MemberExpression" || node.callee.property.type !== "Identifier") return;
        const [handler] = node.arguments;
        if (node.callee.property.name !== "catch" || node.callee.object.type !== "CallExpression") return;
        if (handler === undefined || !doesNothing(handler)) return;
        context.report({ node, message: "This catch swallows every error", hint });
      },
    };
  },
};

/** `() => {}` and `() => undefined`. */
function doesNothing(node: Deno.lint.Node): boolean {
  if (node.type !== "ArrowFunctionExpression" && node.type !== "FunctionExpression") return false;
  const { body } = node;
  if (body === null) return false;
  if (body.type === "BlockStatement") return body.body.length === 0;
  return (body.type === "Identifier" && body.name === "undefined") || (body.type === "Literal" && body.value === null);
}

/** `error.message.includes("…")`, `/…/.test(error.message)`, `error.message === "…"`. Tests may match messages. */
const noMessageMatching: Deno.lint.Rule = {
  create(context) {
    if (isDevelopment(projectPath(context.filename))) return {};
    const report = (node: Deno.lint.Node) =>
      context.report({
        node,
        message: "An error is told by its text",
        hint: "Compare `code` of a TsdError, or the errno of a SysError.",
      });
    return {
      CallExpression(node) {
        const { callee } = node;
        if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
        if (MATCHERS.has(callee.property.name) && isMessage(callee.object)) report(node);
        const argument = node.arguments[0];
        const tests = callee.property.name === "test" || callee.property.name === "exec";
        if (tests && argument !== undefined && isMessage(argument)) report(node);
      },
      BinaryExpression(node) {
        if (!/^[!=]==?$/.test(node.operator)) return;
        const isText = (each: Deno.lint.Node) => each.type === "Literal" && typeof each.value === "string";
        if (isMessage(node.left) && isText(node.right) || isMessage(node.right) && isText(node.left)) report(node);
      },
    };
  },
};

function isMessage(node: Deno.lint.Node): boolean {
  return node.type === "MemberExpression" && node.property.type === "Identifier" && node.property.name === "message";
}

/** Comments that announce future work. */
const noTodo: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const found = INCOMPLETE.exec(comment.value);
          if (found === null) continue;
          context.report({
            range: comment.range,
            message: `${found[0]}: finish it, or file an issue`,
            hint: "What is in the tree is finished.",
          });
        }
      },
    };
  },
};

/** Tests that are disabled, exclusive, or without leak checks. `requires(…)` is how to skip a test on a laptop only. */
const noSkippedTests: Deno.lint.Rule = {
  create(context) {
    if (!isTest(projectPath(context.filename))) return {};
    const hint = "Tests that need something of the machine say so with requires(…).";
    return {
      CallExpression(node) {
        const name = context.sourceCode.getText(node.callee);
        if (!/^(?:Deno\.test|it|describe|test)\.(?:ignore|skip|only)$/.test(name)) return;
        context.report({ node, message: `${name} leaves tests out`, hint });
      },
      "CallExpression > ObjectExpression > Property"(node: Deno.lint.Property) {
        if (node.key.type !== "Identifier" || node.value.type !== "Literal") return;
        const off = SWITCHES_OFF[node.key.name as keyof typeof SWITCHES_OFF];
        if (off === undefined || node.value.value !== off) return;
        const [object, call] = context.sourceCode.getAncestors(node).toReversed();
        if (object === undefined || call?.type !== "CallExpression") return;
        if (!/^(?:Deno\.test|t\.step|test\.step)$/.test(context.sourceCode.getText(call.callee))) return;
        context.report({ node, message: `${node.key.name}: ${off} leaves a test or its leak checks out`, hint });
      },
    };
  },
};

/** File and directory names: snake_case, and no meaningless ones. */
const fileNames: Deno.lint.Rule = {
  create(context) {
    const parts = projectPath(context.filename).split("/");
    const names = parts.map((part) => part.replace(/\.[a-z]+$/, "").replace(/_test$/, ""));
    const empty = names.find((name) => EMPTY_NAMES.test(name));
    const odd = parts.find((part) => !SNAKE_CASE.test(part.replace(/\.[a-z]+$/, "")));
    return {
      Program(node) {
        const range: Deno.lint.Range = [node.range[0], node.range[0]];
        if (empty !== undefined) {
          const hint = "Name a file after what it is about.";
          context.report({ range, message: `"${empty}" says nothing about what is inside`, hint });
        }
        if (odd !== undefined) context.report({ range, message: `"${odd}" is not snake_case` });
      },
    };
  },
};

/** Default exports, which are nameless. Deno requires them of lint plugins. */
const noDefaultExport: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename) === "tests/lint/plugin.ts") return {};
    return {
      ExportDefaultDeclaration(node) {
        context.report({ node, message: "Exports have names here", hint: "export const …, export function …" });
      },
    };
  },
};

/** `interface IStore`. */
const noInterfacePrefix: Deno.lint.Rule = {
  create(context) {
    return {
      TSInterfaceDeclaration(node) {
        if (!/^I[A-Z][a-z]/.test(node.id.name)) return;
        context.report({
          node: node.id,
          message: `${node.id.name}: ports have plain names`,
          hint: "BlobStore, FsBlobStore",
        });
      },
    };
  },
};

/** The rules of this module by name. */
export const habitRules: Record<string, Deno.lint.Rule> = {
  "no-empty-catch": noEmptyCatch,
  "no-message-matching": noMessageMatching,
  "no-todo": noTodo,
  "no-skipped-tests": noSkippedTests,
  "file-names": fileNames,
  "no-default-export": noDefaultExport,
  "no-interface-prefix": noInterfacePrefix,
};
