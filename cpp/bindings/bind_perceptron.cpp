// Perceptron for Python: its arrays and settings, checked; every class against the others, on threads of their own.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/jobs.hpp"
#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "model/perceptron.hpp"

namespace rosenblatt::bindings {

namespace {

template <class T>
PerceptronRows<T> take_rows_of(const DenseOrSparse<T>& X, Indices& indices) {
    if (const auto* const dense = std::get_if<Array<T>>(&X)) return {take_rows("X", *dense), {}};
    const auto& sparse = std::get<SparseArrays<T>>(X);
    return {{}, take_sparse("X", sparse, std::get<3>(sparse), indices)};
}

void check_length(const char* name, const py::array& array, std::size_t n) {
    if (array.ndim() != 1 || static_cast<std::size_t>(array.shape(0)) != n)
        throw py::value_error(std::string(name) + ": got shape " + shape_text(array) + ", expected (" +
                              std::to_string(n) + ",)");
}

// epoch, norm, n_not_zero, intercept, n_samples_seen, mean_loss, mean_objective, score, converged
using Report =
    py::typing::Callable<void(std::size_t, double, std::size_t, double, std::size_t, double, double, double, bool)>;

class PythonReport final : public PerceptronObserver {
  public:
    explicit PythonReport(Report report) : report_(std::move(report)) {}

    void epoch_done(const PerceptronEpoch& of) override {
        const WithInterpreter python;
        call(report_, of.epoch, of.norm, of.n_not_zero, of.intercept, of.n_samples_seen, of.mean_loss,
             of.mean_objective, of.score, of.converged);
    }

  private:
    Report report_;
};

// A class against the others on its way from Python: label, weight of its samples, weight of the others, seed.
using Problem = std::tuple<std::int64_t, double, double, std::uint32_t>;

// Calls learn_one(i, stop) for every problem, each on one thread. Ctrl-C and the exception of one end all.
template <class F>
void learn_each(std::size_t count, int threads, F learn_one) {
    std::vector<std::exception_ptr> failures(count);
    {
        const WithoutInterpreter released;
        Stop stop(python_was_interrupted);
        const auto learn_or_keep_failure = [&](std::size_t i, Stop& own) noexcept {
            try {
                learn_one(i, own);
            } catch (const Stopped&) {
                return;
            } catch (...) {
                failures[i] = std::current_exception();
                stop.request();
            }
        };
        if (threads == 1 || count == 1 || is_shutting_down()) {
            const FloatMode mode;
            for (std::size_t i = 0; i < count && !stop.requested(); ++i) learn_or_keep_failure(i, stop);
        } else {
            run_jobs(
                count, threads,
                [&](std::size_t i) noexcept {
                    Stop own(&stop);
                    if (!own.requested()) learn_or_keep_failure(i, own);
                },
                [&]() noexcept { stop.ask(); });
        }
    }
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

// W, the intercepts, the epochs and whether all is finite: for every problem.
template <class T>
using Learned = std::tuple<Array<T>, std::vector<double>, std::vector<std::size_t>, std::vector<bool>>;

template <class T>
Learned<T> learn_perceptrons(const DenseOrSparse<T>& X, const Array<std::int64_t>& labels, const Array<T>& weights,
                             const Array<bool>& held_out, const Array<T>& W, const std::vector<double>& intercepts,
                             const std::vector<Problem>& problems, const std::string& penalty, double alpha,
                             double l1_ratio, double eta, double intercept_share, std::size_t max_iter, double tol,
                             std::size_t n_iter_no_change, bool shuffle, bool early_stopping,
                             std::optional<Report> report, int threads) {
    Indices indices;
    const PerceptronRows<T> rows = take_rows_of<T>(X, indices);
    for (const auto& [name, array] :
         {std::pair<const char*, py::array>{"labels", labels}, {"weights", weights}, {"held_out", held_out}})
        check_length(name, array, rows.n());
    const Matrix<const T> begin = take_rows("W", W);
    const std::size_t n_features = rows.dense.data != nullptr ? rows.dense.cols : rows.sparse.cols;
    if (begin.rows != problems.size() || begin.cols != n_features || intercepts.size() != problems.size())
        throw py::value_error("W: got shape " + shape_text(W) + ", expected a row per class and a column per feature");
    const PerceptronSettings settings{
        static_cast<PerceptronPenalty>(find_name("penalty", penalty, perceptron_penalty_names)),
        alpha,
        l1_ratio,
        eta,
        intercept_share,
        max_iter,
        tol,
        n_iter_no_change,
        shuffle,
        early_stopping};
    const PerceptronSamples<T> samples{rows, labels.data(), weights.data(), held_out.data()};
    std::optional<PythonReport> observer;
    if (report) observer.emplace(std::move(*report));
    Array<T> learned = copied(begin);
    const Matrix<T> out = writeable(learned);
    std::vector<LearnedPerceptron> found(problems.size());
    learn_each(problems.size(), threads, [&](std::size_t i, Stop& stop) {
        const auto& [label, positive, negative, seed] = problems[i];
        found[i] = learn<T>(settings, samples, {label, static_cast<T>(positive), static_cast<T>(negative), seed},
                            {out.row(i), out.cols}, intercepts[i], observer ? &*observer : nullptr, stop);
    });
    Learned<T> result{std::move(learned), {}, {}, {}};
    for (const LearnedPerceptron& one : found) {
        std::get<1>(result).push_back(one.intercept);
        std::get<2>(result).push_back(one.n_iter);
        std::get<3>(result).push_back(one.finite);
    }
    return result;
}

// (n, n_classes)
template <class T>
Array<T> decide_for(const DenseOrSparse<T>& X, const Array<T>& W, const Array<T>& b, int threads) {
    Indices indices;
    const PerceptronRows<T> rows = take_rows_of<T>(X, indices);
    const Matrix<const T> weights = take_rows("W", W);
    check_length("b", b, weights.rows);
    auto Z = new_array<T>(rows.n(), weights.rows);
    const Matrix<T> out = writeable(Z);
    compute(threads, [&](Team& team) { decide(rows, weights, b.data(), out, team); });
    return Z;
}

template <class T>
void bind(py::module_& module) {
    module.def("learn_perceptrons", &learn_perceptrons<T>, py::arg("X").noconvert(), py::arg("labels").noconvert(),
               py::arg("weights").noconvert(), py::arg("held_out").noconvert(), py::arg("W").noconvert(),
               py::arg("intercepts"), py::arg("problems"), py::kw_only(), py::arg("penalty"), py::arg("alpha"),
               py::arg("l1_ratio"), py::arg("eta"), py::arg("intercept_share"), py::arg("max_iter"), py::arg("tol"),
               py::arg("n_iter_no_change"), py::arg("shuffle"), py::arg("early_stopping"), py::arg("report"),
               py::arg("threads"));
    module.def("decide", &decide_for<T>, py::arg("X").noconvert(), py::arg("W").noconvert(), py::arg("b").noconvert(),
               py::arg("threads"));
    module.def(
        "columns_rise",
        [](const SparseArrays<T>& X, const std::string& name) {
            Indices indices;
            return columns_rise(take_sparse(name.c_str(), X, std::get<3>(X), indices, false));
        },
        py::arg("X").noconvert(), py::arg("name"));
}

}  // namespace

void bind_perceptron(py::module_& module) {
    bind<float>(module);
    bind<double>(module);
}

}  // namespace rosenblatt::bindings
