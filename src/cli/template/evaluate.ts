/**
 * Executes a template with the rules and the error messages of Go's text/template.
 */
import { type BranchNode, type Command, describe, type Node, type Operand, type Pipe } from "./ast.ts";
import { FunctionError, type FunctionTable, type TemplateFunction } from "./functions.ts";
import { goPrint } from "./go_print.ts";
import { TemplateError } from "./template_error.ts";
import { isList, isMap, isTrue, type Method, Nil, sortedEntries, Struct, typeName, type Value } from "./value.ts";

export interface RunOptions {
  readonly functions: FunctionTable;
  /** The data is untyped JSON: a missing key is an error. */
  readonly strict: boolean;
  /** The template's name in messages. */
  readonly name: string;
}

const LITERALS: ReadonlySet<string> = new Set(["string", "number", "bool", "nil"]);

/** Thrown by `{{break}}` and `{{continue}}` to end a `range` or one of its iterations. */
class Jump {
  constructor(readonly kind: "break" | "continue") {}
}

interface Variable {
  readonly name: string;
  value: Value;
}

/** Executes a template and returns its output. @throws {TemplateError} */
export function evaluate(text: string, nodes: readonly Node[], data: Value, options: RunOptions): string {
  const run = new Run(text, data, options);
  run.walk(data, nodes);
  return run.output;
}

class Run {
  output = "";
  readonly #text: string;
  readonly #options: RunOptions;
  readonly #variables: Variable[];

  constructor(text: string, data: Value, options: RunOptions) {
    this.#text = text;
    this.#options = options;
    this.#variables = [{ name: "$", value: data }];
  }

  walk(dot: Value, nodes: readonly Node[]): void {
    for (const node of nodes) {
      switch (node.kind) {
        case "text":
          this.output += node.text;
          break;
        case "action":
          this.#action(dot, node.pipe);
          break;
        case "jump":
          throw new Jump(node.to);
        default:
          this.#scoped(() => node.kind === "range" ? this.#range(dot, node) : this.#condition(dot, node));
      }
    }
  }

  #action(dot: Value, pipe: Pipe): void {
    const value = this.#pipe(dot, pipe);
    // A declaration prints nothing.
    if (pipe.names.length === 0) this.output += value === undefined || value === null ? "<no value>" : goPrint(value);
  }

  #scoped(body: () => void): void {
    const { length } = this.#variables;
    body();
    this.#variables.length = length;
  }

  #condition(dot: Value, { kind, pipe, body, otherwise }: BranchNode): void {
    const value = this.#pipe(dot, pipe);
    if (isTrue(value)) this.walk(kind === "with" ? value : dot, body);
    else this.walk(dot, otherwise);
  }

  #range(dot: Value, { pipe, body, otherwise }: BranchNode): void {
    const value = this.#pipe(dot, { ...pipe, names: [] });
    const items = this.#items(value, pipe);
    for (const [key, item] of items) {
      const { length } = this.#variables;
      const [first, second] = pipe.names;
      // One variable receives the item; of two, the first receives the key.
      if (second !== undefined) {
        this.#bind(first, key, pipe.assigns, pipe.commands);
        this.#bind(second, item, pipe.assigns, pipe.commands);
      } else if (first !== undefined) this.#bind(first, item, pipe.assigns, pipe.commands);
      try {
        this.walk(item, body);
      } catch (thrown) {
        if (!(thrown instanceof Jump)) throw thrown;
        if (thrown.kind === "break") break;
      } finally {
        this.#variables.length = length;
      }
    }
    if (items.length === 0) this.walk(dot, otherwise);
  }

  #items(value: Value, pipe: Pipe): [Value, Value][] {
    if (value === undefined || value === null || value instanceof Nil) return [];
    if (isList(value)) return value.map((item, index) => [index, item]);
    if (isMap(value)) return sortedEntries(value);
    if (typeof value === "number" && Number.isInteger(value)) return Array.from({ length: value }, (_, at) => [at, at]);
    throw this.#error(pipe, `range can't iterate over ${goPrint(value)}`);
  }

  #bind(name: string, value: Value, assigns: boolean, from: readonly Command[]): void {
    if (!assigns) {
      this.#variables.push({ name, value });
      return;
    }
    const variable = this.#variables.findLast((each) => each.name === name);
    if (variable === undefined) throw this.#error(from.at(-1)!.operands.at(-1)!, `undefined variable: ${name}`);
    variable.value = value;
  }

  #pipe(dot: Value, { commands, names, assigns }: Pipe): Value {
    let value: Value;
    for (const [index, command] of commands.entries()) {
      value = this.#command(dot, command, index === 0 ? [] : [value]);
    }
    for (const name of names) this.#bind(name, value, assigns, commands);
    return value;
  }

  /** @param piped the previous command's value, if there is one; it becomes the last argument */
  #command(dot: Value, command: Command, piped: readonly Value[]): Value {
    const [first, ...rest] = command.operands;
    const args = () => [...rest.map((operand) => this.#operand(dot, operand)), ...piped];
    switch (first.kind) {
      case "function":
        return this.#call(dot, first, command, piped);
      case "field":
        return this.#path(dot, first.path, first, args);
      case "variable":
        return this.#path(this.#variable(first.name), first.path, first, args);
      case "chain":
        return this.#path(this.#operand(dot, first.of), first.path, first, args);
    }
    if (rest.length + piped.length > 0) {
      throw this.#error(first, `can't give argument to non-function ${describe(first)}`);
    }
    if (first.kind === "nil") throw this.#error(first, "nil is not a command");
    return this.#operand(dot, first);
  }

  #operand(dot: Value, operand: Operand): Value {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "bool":
      case "number":
      case "string":
        return operand.value;
      case "pipe":
        return this.#pipe(dot, operand);
      default:
        return this.#command(dot, { kind: "command", at: operand.at, operands: [operand] }, []);
    }
  }

  #variable(name: string): Value {
    return this.#variables.findLast((each) => each.name === name)?.value;
  }

  #path(from: Value, path: readonly string[], node: Operand, args: () => Value[]): Value {
    const last = path.length - 1;
    if (last < 0) {
      if (args().length > 0) throw this.#error(node, `can't give argument to non-function ${describe(node)}`);
      return from;
    }
    return path.reduce((value, name, index) => this.#field(value, name, node, index === last ? args : () => []), from);
  }

  #field(of: Value, name: string, node: Operand, args: () => Value[]): Value {
    if (of === undefined) {
      if (this.#options.strict) throw this.#error(node, `nil data; no entry for key ${JSON.stringify(name)}`);
      return undefined;
    }
    if (of === null || of instanceof Nil && of.kind === "pointer") {
      throw this.#error(node, `nil pointer evaluating ${typeName(null)}.${name}`);
    }
    if (of instanceof Nil && of.kind === "map") return undefined;
    if (of instanceof Struct && of.has(name)) {
      const field = of.get(name);
      if (typeof field === "function") return this.#method(field, name, node, args());
      if (args().length > 0) throw this.#error(node, `${name} has arguments but cannot be invoked as function`);
      return field;
    }
    if (isMap(of)) {
      if (args().length > 0) throw this.#error(node, `${name} is not a method but has arguments`);
      if (Object.hasOwn(of, name)) return of[name];
      if (this.#options.strict) throw this.#error(node, `map has no entry for key ${JSON.stringify(name)}`);
      return undefined;
    }
    const type = this.#options.strict ? "interface {}" : typeName(of);
    throw this.#error(node, `can't evaluate field ${name} in type ${type}`);
  }

  #method(method: Method, name: string, node: Operand, args: readonly Value[]): Value {
    if (args.length !== method.length) {
      throw this.#error(node, `wrong number of args for ${name}: want ${method.length} got ${args.length}`);
    }
    return method(...args);
  }

  #call(dot: Value, node: Operand & { kind: "function" }, command: Command, piped: readonly Value[]): Value {
    const { name } = node;
    const operands = command.operands.slice(1);
    if (name === "and" || name === "or") return this.#lazy(dot, node, operands, piped);
    const called = this.#options.functions.get(name);
    if (called === undefined) throw this.#error(node, `${JSON.stringify(name)} is not a defined function`);
    const count = operands.length + piped.length;
    const { parameters } = called;
    const least = called.rest ? parameters.length - 1 : parameters.length;
    if (called.rest ? count < least : count !== least) {
      const want = called.rest ? `at least ${least}` : String(least);
      throw this.#error(node, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const args = operands.map((operand, at) => this.#argument(this.#operand(dot, operand), called, at, operand));
    const last = piped.map((value) => this.#argument(value, called, operands.length, operands.at(-1) ?? node, true));
    try {
      return called.call(...args, ...last);
    } catch (thrown) {
      if (thrown instanceof FunctionError) throw this.#error(command, `error calling ${name}: ${thrown.message}`);
      throw thrown;
    }
  }

  /**
   * Checks a function's argument against its parameter's type and returns it.
   * @param piped whether the value is the previous command's; then `node` is only the position for error messages
   */
  #argument(value: Value, { parameters }: TemplateFunction, index: number, node: Operand, piped = false): Value {
    const type = parameters[Math.min(index, parameters.length - 1)];
    const fits = type === "any" || (type === "string" ? typeof value === "string" : Number.isInteger(value));
    if (fits) return value;
    if (value === undefined) throw this.#error(node, `invalid value; expected ${type}`);
    if (!piped && LITERALS.has(node.kind)) {
      throw this.#error(node, `expected ${type === "int" ? "integer" : type}; found ${describe(node)}`);
    }
    throw this.#error(node, `wrong type for value; expected ${type}; got ${typeName(value)}`);
  }

  /** Evaluates `and` and `or`, which stop at the first operand that decides the result. */
  #lazy(dot: Value, node: Operand & { kind: "function" }, operands: readonly Operand[], piped: readonly Value[]) {
    if (operands.length + piped.length === 0) {
      throw this.#error(node, `wrong number of args for ${node.name}: want at least 1 got 0`);
    }
    let value: Value;
    for (const operand of operands) {
      value = this.#operand(dot, operand);
      if (isTrue(value) === (node.name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #error(node: Operand | Command, message: string): TemplateError {
    const before = this.#text.slice(0, node.at);
    const line = before.split("\n").length;
    const column = new TextEncoder().encode(before.slice(before.lastIndexOf("\n") + 1)).length;
    const { name } = this.#options;
    const location = `${name}:${line}:${column}: executing ${JSON.stringify(name)}`;
    return new TemplateError(`template: ${location} at <${describe(node)}>: ${message}`);
  }
}
