// The checksum of files for Python: of anything whose bytes lie one after the other.
#include <pybind11/typing.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/crc32c.hpp"
#include "bindings/bindings.hpp"
#include "bindings/interpreter.hpp"

namespace rosenblatt::bindings {

namespace {

constexpr py::ssize_t MANY_BYTES = 1 << 16;  // some 30 us of work: other threads of Python go on meanwhile

// The bytes of a Python object, held so that they cannot be freed or resized.
class Bytes {
  public:
    explicit Bytes(const py::handle& object) {
        if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    }
    ~Bytes() { PyBuffer_Release(&view_); }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;

    [[nodiscard]] const unsigned char* data() const { return static_cast<const unsigned char*>(view_.buf); }
    [[nodiscard]] py::ssize_t size() const { return view_.len; }

  private:
    Py_buffer view_{};
};

std::uint32_t checksum(const py::buffer& data, std::uint32_t crc) {
    const Bytes bytes(data);
    std::optional<WithoutInterpreter> released;
    if (bytes.size() >= MANY_BYTES) released.emplace();
    return crc32c(crc, bytes.data(), static_cast<std::size_t>(bytes.size()));
}

}  // namespace

void bind_checksum(py::module_& module) { module.def("crc32c", &checksum, py::arg("data"), py::arg("crc") = 0); }

}  // namespace rosenblatt::bindings
