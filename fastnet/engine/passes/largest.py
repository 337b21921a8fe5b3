"""The column of each row's largest number."""

from numba import types

from ...kernels.simd import carray, make_pointer


def make_largest_columns(dtype):
    """The function that finds it in rows that lie side by side: the first of several, or the first nan of any."""
    index = make_pointer(types.intp)

    def largest_columns(a, n_rows, n_columns, found):
        a, found = carray(a, n_rows * n_columns), carray(index(found), n_rows)
        for i in range(n_rows):
            first = i * n_columns
            largest, column, has_nan = a[first], 0, False
            for j in range(1, n_columns):
                value = a[first + j]
                if value > largest:
                    largest, column = value, j
                has_nan |= value != value
            if has_nan:
                column = 0
                while a[first + column] == a[first + column]:
                    column += 1
            found[i] = column

    return largest_columns
