cmake_minimum_required(VERSION 3.25)
# Every public op, as the headers ROOT/ops/*.hpp declare it, has
#   gradients  a case in the op table, so that both orders are checked (an op that returns Arrays has no gradient),
#   a value    recorded from Chainer and required to pass, or a row in the value table,
#   errors     a row in the error table,
#   a row      | `name | under the header below in a page in ROOT/docs/ops.
# The tests print what their tables hold, by the name that each op gives itself in its errors.
# cmake -D ROOT=tree (-D PROGRAM=ops_tests | -D NAMES=file with such output) -P ops.cmake
if(DEFINED PROGRAM)
  execute_process(COMMAND ${PROGRAM} "ops of the tables" OUTPUT_VARIABLE covered COMMAND_ERROR_IS_FATAL ANY)
else()
  file(READ ${NAMES} covered)
endif()

# Whatever the manifest has is run by reference_tests_required, which fails without.
file(READ ${ROOT}/tests/reference/manifest.json manifest)
string(REGEX MATCHALL "\"op\": \"[a-z0-9_]+" recorded "${manifest}")
list(TRANSFORM recorded REPLACE ".*\"" "")
list(REMOVE_DUPLICATES recorded)

set(columns "| op | formula | gradient | kinks and conventions | Chainer | PyTorch |")
string(REPLACE "|" "\\|" table "${columns}")
string(PREPEND table "\n")
string(APPEND table "\n\\|[-| ]+\n(\\|[^\n]*\n)*")  # the header, the line below it, rows before the one looked for

set(pages "")
file(GLOB files ${ROOT}/docs/ops/*.md)
foreach(file ${files})
  file(READ ${file} page)
  string(APPEND pages "\n${page}")
endforeach()

set(ops "")
file(GLOB headers RELATIVE ${ROOT} ${ROOT}/ops/*.hpp)
foreach(header ${headers})
  file(READ ${ROOT}/${header} text)
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  string(REGEX REPLACE "namespace detail {[^{}]*}" "" text "${text}")
  string(REPLACE ";" "\n" text "${text}")  # a declaration is one item; lists end at semicolons
  string(REGEX MATCHALL "(FATHOM_EXPORT|inline) [^\n(=]+\\([^\n]*" declarations "${text}")
  foreach(declaration IN LISTS declarations)
    string(REGEX MATCH "^[A-Za-z_]+ ([^(]*[ &*>])([A-Za-z0-9_]+)\\((.*)$" parts "${declaration}")
    string(STRIP "${CMAKE_MATCH_1}" type)
    set(op ${CMAKE_MATCH_2})
    if(NOT CMAKE_MATCH_3 MATCHES "Variable|Array" OR declaration MATCHES " operator")
      continue()  # what takes no arrays is no op, and operators stand for functions
    endif()
    if(text MATCHES "struct ${type} {[^}]*Variable [a-z]+\n")
      set(type Variable)  # several results by name; the gradients are those of the Variable
    endif()
    if(NOT type MATCHES "^(Variable|Array)s?$")
      message(SEND_ERROR "${header}: ${op} returns ${type}: an op returns Variables, or Arrays if it has no gradient")
      continue()
    endif()
    list(APPEND ops ${op})
    set(header_of_${op} ${header})
    if(type MATCHES "Variable")  # of several functions with one name, one is enough
      set(differentiable_${op} TRUE)
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES ops)
list(LENGTH ops count)
if(count EQUAL 0)
  message(FATAL_ERROR "no ops in ${ROOT}/ops")
endif()

foreach(op ${ops})
  set(lacks "")
  if(differentiable_${op} AND NOT "\n${covered}" MATCHES "\ngradients: ${op}\n")
    list(APPEND lacks "gradient checks (a case in tests/support/op_table*.cpp)")
  endif()
  if(NOT op IN_LIST recorded AND NOT "\n${covered}" MATCHES "\nvalue: ${op}\n")
    list(APPEND lacks "a value test (recorded values in tests/reference, or a row in tests/support/value_table.cpp)")
  endif()
  if(NOT "\n${covered}" MATCHES "\nerrors: ${op}\n")
    list(APPEND lacks "error tests (a row in tests/support/error_table*.cpp)")
  endif()
  if(NOT pages MATCHES "${table}\\| *`(ops::)?${op}[`(]")
    list(APPEND lacks "a row | `${op}` in a page of docs/ops, under ${columns}")
  endif()
  foreach(lack IN LISTS lacks)
    message(SEND_ERROR "${header_of_${op}}: ${op} lacks ${lack}")
  endforeach()
endforeach()
message(STATUS "${count} ops checked")
