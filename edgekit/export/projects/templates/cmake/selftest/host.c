/* The self-test on this machine: exit code 0 when every golden vector comes out right. */
#include <stdio.h>

#include "@name@_selftest.h"

int main(void) {
  const int wrong = @name@_selftest();
  printf("@name@: %d of @golden@ golden vectors differ\n", wrong);
  return wrong != 0;
}
