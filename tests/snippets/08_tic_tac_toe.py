# Play one game of tic tac toe from a list of moves.
LINES = [
    (0, 1, 2), (3, 4, 5), (6, 7, 8),
    (0, 3, 6), (1, 4, 7), (2, 5, 8),
    (0, 4, 8), (2, 4, 6),
]


def show(board):
    for row in range(3):
        print(" | ".join(board[row * 3:row * 3 + 3]))
        if row < 2:
            print("--+---+--")
    print()


def winner(board):
    for a, b, c in LINES:
        if board[a] != " " and board[a] == board[b] == board[c]:
            return board[a]
    return None


board = [" "] * 9
player = "X"
for move in [4, 0, 8, 4, 2, 6, 5]:
    if board[move] != " ":
        print(f"Field {move} is taken, {player} loses the turn.")
    else:
        board[move] = player
    if winner(board):
        break
    player = "O" if player == "X" else "X"

show(board)
print("Winner:", winner(board) or "nobody")
