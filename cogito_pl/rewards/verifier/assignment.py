"""The best one-to-one partners. Knows a table of worths; nothing of boxes."""

import numpy as np


def best_partners(worth: np.ndarray) -> list[tuple[int, int]]:
    """One-to-one pairs whose worths have the greatest sum (the Hungarian method with potentials, O(n^2 m)).

    Args:
        worth: What each pair is worth, `[n, m]`, none negative.

    Returns:
        `min(n, m)` pairs (row, column), by row.
    """
    if worth.shape[0] > worth.shape[1]:
        return sorted((row, column) for column, row in best_partners(worth.T))
    rows, columns = worth.shape
    row_price, price = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)  # the row of each column
    for newcomer in range(rows):
        slack, reached_from = np.full(columns, np.inf), np.full(columns, -1)
        settled = np.zeros(columns, dtype=bool)
        row, column = newcomer, -1
        while True:  # the cheapest path on which the newcomer pushes others along to a column that is free
            reduced = -worth[row] - row_price[row] - price
            nearer = ~settled & (reduced < slack)
            slack[nearer], reached_from[nearer] = reduced[nearer], column
            column = int(np.where(settled, np.inf, slack).argmin())
            step = slack[column]
            row_price[newcomer] += step
            row_price[owner[settled]] += step
            price[settled] -= step
            slack[~settled] -= step
            settled[column] = True
            if owner[column] < 0:
                break
            row = owner[column]
        while column >= 0:
            before = reached_from[column]
            owner[column] = owner[before] if before >= 0 else newcomer
            column = before
    return sorted((int(row), column) for column, row in enumerate(owner) if row >= 0)
