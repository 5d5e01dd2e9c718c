/** A node of a template's syntax tree. `at` is an offset into the template's text, for error messages. */
export type Node = TextNode | ActionNode | BranchNode | JumpNode;

export interface TextNode {
  readonly kind: "text";
  readonly text: string;
}

/** `{{ pipeline }}`. */
export interface ActionNode {
  readonly kind: "action";
  readonly pipe: Pipe;
}

/** `{{if}}`, `{{range}}` and `{{with}}`. */
export interface BranchNode {
  readonly kind: "if" | "range" | "with";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** `{{break}}` and `{{continue}}`. */
export interface JumpNode {
  readonly kind: "jump";
  readonly to: "break" | "continue";
}

/** `$a, $b := command | command`. */
export interface Pipe {
  readonly kind: "pipe";
  readonly at: number;
  readonly names: readonly string[];
  /** True for an assignment (`=`) to existing variables, false for a declaration (`:=`). */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

/** A function with its arguments, or one operand. */
export interface Command {
  readonly kind: "command";
  readonly at: number;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: "dot" | "nil"; readonly at: number }
  | { readonly kind: "bool"; readonly at: number; readonly value: boolean }
  | { readonly kind: "number"; readonly at: number; readonly value: number; readonly text: string }
  | { readonly kind: "string"; readonly at: number; readonly value: string; readonly text: string }
  | { readonly kind: "function"; readonly at: number; readonly name: string }
  | { readonly kind: "field"; readonly at: number; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly at: number; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "chain"; readonly at: number; readonly of: Operand; readonly path: readonly string[] }
  | Pipe;

/** Renders a part of a template for an error message. */
export function describe(node: Operand | Command): string {
  switch (node.kind) {
    case "command":
      return node.operands.map((operand) => operand.kind === "pipe" ? `(${describe(operand)})` : describe(operand))
        .join(" ");
    case "pipe": {
      const names = node.names.length === 0 ? "" : `${node.names.join(", ")} ${node.assigns ? "=" : ":="} `;
      return names + node.commands.map(describe).join(" | ");
    }
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
    case "string":
      return node.text;
    case "function":
      return node.name;
    case "field":
      return node.path.map((name) => `.${name}`).join("");
    case "variable":
      return [node.name, ...node.path].join(".");
    case "chain":
      return (node.of.kind === "pipe" ? `(${describe(node.of)})` : describe(node.of)) +
        node.path.map((name) => `.${name}`).join("");
  }
}
