// What ThreadSanitizer must be told about the libraries of Debian, which it does not see into.
//
// Of a library that is not instrumented it watches the locks and the system calls, but not the memory. ZeroMQ hands
// messages from thread to thread by atomic operations of its own: here each call that gives a message away happens
// before whatever takes one, and before a payload is given back. Two threads that meet without a message between them
// are as suspicious as before.

#include <sanitizer/tsan_interface.h>
#include <zmq.h>

#include <memory>

extern "C" {

const char* __tsan_default_options();
const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

// The linker gives `zmq_x` as `__real_zmq_x` and sends callers of it to `__wrap_zmq_x` (tests/threads.cmake).
int __real_zmq_send(void* socket, const void* bytes, size_t size, int flags);
int __real_zmq_msg_send(zmq_msg_t* message, void* socket, int flags);
int __real_zmq_msg_recv(zmq_msg_t* message, void* socket, int flags);
int __real_zmq_msg_init_data(zmq_msg_t* message, void* data, size_t size, zmq_free_fn* free, void* hint);
int __wrap_zmq_send(void* socket, const void* bytes, size_t size, int flags);
int __wrap_zmq_msg_send(zmq_msg_t* message, void* socket, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t* message, void* socket, int flags);
int __wrap_zmq_msg_init_data(zmq_msg_t* message, void* data, size_t size, zmq_free_fn* free, void* hint);
}

namespace {

char order;  // of all messages

struct payload {
  zmq_free_fn* free;
  void* hint;
};

void give_back(void* data, void* hint) {
  const std::unique_ptr<payload> of{static_cast<payload*>(hint)};
  __tsan_acquire(&order);
  of->free(data, of->hint);
}

}  // namespace

int __wrap_zmq_send(void* socket, const void* bytes, size_t size, int flags) {
  __tsan_release(&order);
  return __real_zmq_send(socket, bytes, size, flags);
}

int __wrap_zmq_msg_send(zmq_msg_t* message, void* socket, int flags) {
  __tsan_release(&order);
  return __real_zmq_msg_send(message, socket, flags);
}

int __wrap_zmq_msg_recv(zmq_msg_t* message, void* socket, int flags) {
  const int size = __real_zmq_msg_recv(message, socket, flags);
  if (size >= 0) __tsan_acquire(&order);
  return size;
}

int __wrap_zmq_msg_init_data(zmq_msg_t* message, void* data, size_t size, zmq_free_fn* free, void* hint) {
  return __real_zmq_msg_init_data(message, data, size, give_back, new payload{free, hint});
}
