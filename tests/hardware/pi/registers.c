// The pins' registers of a Raspberry Pi 3, for a program that maps /dev/gpiomem where that is a file.
// Loaded before the C library. Each store is caught and has the effect that the chip would give it
// (BCM2835 ARM Peripherals, chapter 6): bits written to SET and CLR change the levels of output pins.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>

enum { FUNCTION = 0x00 / 4, SET = 0x1c / 4, CLEAR = 0x28 / 4, LEVEL = 0x34 / 4, PAGE = 4096 };
enum { TRAP_FLAG = 0x100, OUTPUT = 1 };

static volatile uint32_t *registers;
static struct sigaction others;

static uint32_t outputs(void) {
  uint32_t pins = 0;
  for (int pin = 0; pin < 32; pin++)
    if ((registers[FUNCTION + pin / 10] >> pin % 10 * 3 & 7) == OUTPUT) pins |= 1u << pin;
  return pins;
}

// A store hits the protected page: let this one instruction pass, and look again after it.
static void on_store(int signal, siginfo_t *info, void *context) {
  uintptr_t at = (uintptr_t)info->si_addr, first = (uintptr_t)registers;
  if (!registers || at < first || at >= first + PAGE) {
    sigaction(signal, &others, NULL);
    return;
  }
  mprotect((void *)registers, PAGE, PROT_READ | PROT_WRITE);
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void after_store(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  uint32_t set = registers[SET], clear = registers[CLEAR], pins = outputs();
  if (set | clear) {
    registers[SET] = registers[CLEAR] = 0;
    registers[LEVEL] = (registers[LEVEL] | (set & pins)) & ~(clear & pins);
  }
  mprotect((void *)registers, PAGE, PROT_READ);
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  void *(*next)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap");
  void *mapped = next(address, length, protection, flags, file, offset);
  struct stat pins, this;
  if (mapped == MAP_FAILED || file < 0 || stat("/dev/gpiomem", &pins) || fstat(file, &this)) return mapped;
  if (pins.st_ino != this.st_ino || pins.st_dev != this.st_dev) return mapped;
  registers = mapped;
  struct sigaction store = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  struct sigaction trap = {.sa_sigaction = after_store, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &store, &others);
  sigaction(SIGTRAP, &trap, NULL);
  mprotect(mapped, PAGE, PROT_READ);
  return mapped;
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  return mmap(address, length, protection, flags, file, offset);
}
