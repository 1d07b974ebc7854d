# Evaluate arithmetic expressions with the ast module.
import ast
import operator

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def evaluate(node, names):
    if isinstance(node, ast.Expression):
        return evaluate(node.body, names)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](evaluate(node.left, names), evaluate(node.right, names))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](evaluate(node.operand, names))
    raise ValueError(f"{type(node).__name__} is not allowed")


names = {"x": 12, "rate": 0.25}
for text in ["1 + 2 * 3", "(x - 2) ** 2 / 8", "-x % 5", "x * rate", "7 // 2", "y + 1", "print(1)", "1 +"]:
    try:
        print(f"{text} = {evaluate(ast.parse(text, mode='eval'), names)}")
    except (ValueError, KeyError) as error:
        print(f"{text}: {type(error).__name__} {error}")
    except SyntaxError:
        print(f"{text}: not complete")
