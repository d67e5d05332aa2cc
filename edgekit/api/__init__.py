"""What a data scientist calls from a notebook of their own: the functions of `ek`, each a thin layer.

models     Keras in, int8 out: `quantize`, `compress`
boards     the model on a board's core: `generate_c`, `profile`, `parity`
updates    the model in a signed package: `package`

Here inputs are checked and answered in one line; the work is done by the library's own stages.
"""
