# Public are fathom.hpp, the headers beside the sources of core, autograd, ops and nn, and those of nn's families. What lies
# in another folder is the inside of what is beside it. These are installed, and tests/structure/includes.cmake holds
# them to one another: the rule stands here alone.
set(public_header "^(fathom|(core|autograd|ops|nn|nn/(data|io|layers|models|optim|train|train/log))/[^/]+)\\.hpp$")
